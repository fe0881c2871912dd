import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type Standing, standingRequestSchema } from '#libs/licensing';
import { Clock, stage } from '#libs/service';
import { LiveIndex } from './projections/live-index.js';

/** Tells other stages how a machine stands with a licence, as a lease would be decided on now. */
@Controller()
export class Standings {
  constructor(
    private readonly live: LiveIndex,
    private readonly clock: Clock,
  ) {}

  @MessagePattern('feed.standing', stage('feed'))
  standing(@Payload() body: unknown): Standing {
    const { licenseId, ...candidate } = standingRequestSchema.parse(body);
    return this.live.current().standing(candidate, licenseId, this.clock.now());
  }
}
