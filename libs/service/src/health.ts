import { Controller, Get, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { EventStore } from '#libs/eventstore';
import { Answers } from './answers.js';
import { Problem } from './problem.js';

/** Says why something can't answer yet; undefined: it can. */
export type ReadinessCheck = () => string | undefined;

/** What must be true before requests are sent here. */
@Injectable()
export class Readiness {
  private readonly checks: ReadinessCheck[] = [];

  /** Asks `check` at every look. */
  needs(check: ReadinessCheck): void {
    this.checks.push(check);
  }

  /** Everything that isn't ready. */
  obstacles(): readonly string[] {
    return this.checks.flatMap((check) => check() ?? []);
  }
}

const okSchema = z.object({ status: z.literal('ok') });
type Ok = z.infer<typeof okSchema>;

/**
 * `GET /healthz`: whether this process can do its work; restart it if not. `GET /readyz`: whether to send it requests; it may only be
 * catching up. For whatever watches it: open to everybody, and they tell nothing else.
 */
@Controller()
export class HealthController {
  constructor(
    private readonly events: EventStore,
    private readonly readiness: Readiness,
  ) {}

  @Get('healthz')
  @Answers(okSchema, 'It does its work')
  async health(): Promise<Ok> {
    await this.events.lastPosition();
    return { status: 'ok' };
  }

  @Get('readyz')
  @Answers(okSchema, 'Send it requests; a problem of status 503 says what it waits for')
  async ready(): Promise<Ok> {
    await this.events.lastPosition();
    const obstacles = this.readiness.obstacles();
    if (obstacles.length === 0) return { status: 'ok' };
    throw new Problem({ status: 503, code: 'not-ready', title: 'Not ready', detail: obstacles.join('; ') });
  }
}
