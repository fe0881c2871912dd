import { Body, Controller, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Needs, ZodBody } from '#libs/service';
import { type RebuildStatus, Rebuilding } from '../rebuilding.js';
import { AdminApi } from './api.js';

const count = z.int().nonnegative();
const comparisonSchema = z.object({
  position: count,
  equal: z.boolean(),
  digests: z.object({ serving: z.string(), rebuilt: z.string() }),
  rows: count,
  different: z.array(
    z.object({
      table: z.string(),
      serving: count,
      rebuilt: count,
      onlyServing: count,
      onlyRebuilt: count,
      changed: count,
    }),
  ),
});
const rebuildSchema = z.object({
  schema: z.literal(1),
  state: z.enum(['none', 'folding', 'indexing', 'comparing', 'switching', 'switched', 'compared', 'failed']),
  position: count,
  target: count,
  events: count,
  eventsPerSecond: count,
  secondsLeft: count.optional(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  comparison: comparisonSchema.optional(),
  error: z.string().optional(),
});
const orderSchema = z.strictObject({
  compareOnly: z.boolean().default(false).describe('Compare, and leave what serves in its place.'),
});

/** Folding the log once more, beside what serves. */
@AdminApi()
@Controller('v1/catalog/rebuild')
export class RebuildController {
  constructor(private readonly rebuilding: Rebuilding) {}

  @Get()
  @Answers(rebuildSchema, 'How far the rebuild is that was begun last in this process')
  status(): { schema: 1 } & RebuildStatus {
    return { schema: 1, ...this.rebuilding.status() };
  }

  @Post()
  @Needs('admin')
  @Answers(rebuildSchema, 'A rebuild was begun', 202)
  start(@Body(new ZodBody(orderSchema)) order: z.infer<typeof orderSchema>): { schema: 1 } & RebuildStatus {
    return { schema: 1, ...this.rebuilding.start(order) };
  }
}
