import { Controller, Get } from '@nestjs/common';
import { EventStore } from '#libs/eventstore';

/** `GET /healthz`: whether this process can do its work, for whatever watches it. Open to everybody, and tells nothing else. */
@Controller('healthz')
export class HealthController {
  constructor(private readonly events: EventStore) {}

  @Get()
  async check(): Promise<{ status: 'ok' }> {
    await this.events.lastPosition();
    return { status: 'ok' };
  }
}
