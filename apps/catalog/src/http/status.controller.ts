import { Controller, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { type DeadLetter, EventStore, EventStoreError } from '#libs/eventstore';
import { Answers, Problem } from '#libs/service';
import { Catalog } from '../catalog.js';
import { AdminApi } from './api.js';

const position = z.int().nonnegative();
const statusSchema = z.object({
  schema: z.literal(1),
  projection: z.object({
    state: z.enum(['starting', 'running', 'retrying', 'stopped']),
    /** The last commit whose rows are in the tables. */
    position,
    error: z.string().optional(),
  }),
  log: z.object({ lastPosition: position }),
  /** How many positions the tables are behind the log. */
  lag: position,
  deadLetters: z.int().nonnegative(),
});
const deadLetterSchema = z.object({
  id: z.string(),
  worker: z.string(),
  position,
  stream: z.string(),
  attempts: z.int(),
  reason: z.string(),
  at: z.string(),
});
const deadLettersSchema = z.object({ items: z.array(deadLetterSchema) });
const replayedSchema = z.object({ id: z.string(), state: z.literal('replayed') });

/** How the catalog and the stages are doing. */
@AdminApi()
@Controller('v1')
export class StatusController {
  constructor(
    private readonly catalog: Catalog,
    private readonly events: EventStore,
  ) {}

  @Get('status')
  @Answers(statusSchema, 'How far the tables are behind the log, and what the stages gave up on')
  async status(): Promise<z.infer<typeof statusSchema>> {
    const [lastPosition, letters] = await Promise.all([this.events.lastPosition(), this.events.deadLetters()]);
    const projection = this.catalog.status();
    return {
      schema: 1,
      projection,
      log: { lastPosition },
      lag: Math.max(0, lastPosition - projection.position),
      deadLetters: letters.length,
    };
  }

  @Get('dead-letters')
  @Answers(deadLettersSchema, 'What the stages gave up on, oldest first')
  async deadLetters(): Promise<{ items: readonly DeadLetter[] }> {
    return { items: await this.events.deadLetters() };
  }

  @Post('dead-letters/:id/replay')
  @Answers(replayedSchema, 'Its stage gets it once more', 202)
  async replay(@Param('id') id: string): Promise<z.infer<typeof replayedSchema>> {
    try {
      await this.events.replayDeadLetter(id);
    } catch (error) {
      if (error instanceof EventStoreError && error.code === 'no-such-dead-letter') {
        throw Problem.notFound('dead letter', id.slice(0, 100));
      }
      throw error;
    }
    return { id, state: 'replayed' };
  }
}
