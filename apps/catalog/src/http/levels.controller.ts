import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema, maxLevelFixes } from '#libs/contracts';
import { Answers, Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands } from '../commands.js';
import { levelIdOf, levelTable } from '../projections/level.js';
import { bundleTable } from '../projections/bundle.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { IdempotencyKey } from './idempotency-key.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = {
  firstPosition: ['firstPosition', 'levelId'],
  position: ['position', 'levelId'],
  level: ['level', 'levelId'],
};
const listLevels = listQuery(sorts, { state: oneOf(levelTable, 'state'), kernel: exactly.describe('A kernel id.') });
const proposeSchema = z.strictObject({
  kernelId: aggregateIdSchema,
  /** All whose bundles are promoted, if they aren't named. */
  fixIds: z.array(aggregateIdSchema).min(1).max(maxLevelFixes).optional(),
  /** Make a level of the others where some can't be in it. */
  leaveOut: z.boolean().default(false),
});
const proposedSchema = z.object({
  levelId: z.string(),
  kernelId: z.string(),
  level: z.int(),
  fixes: z.int(),
  leftOut: z.array(z.object({ fixId: z.string(), code: z.string(), reason: z.string() })),
});
type Proposed = z.infer<typeof proposedSchema>;
const levelViewSchema = levelTable.schema.and(z.object({ bundleIds: z.array(z.string()) }));

/** Cumulative levels: all fixes of a kernel in one module, which takes the place of all live patches before it. */
@AdminApi()
@Controller('v1/levels')
export class LevelsController {
  constructor(private readonly commands: Commands) {}

  @Post()
  @Answers(proposedSchema, 'It has its number, and is being built', 202)
  async propose(
    @Body(new ZodBody(proposeSchema)) request: z.infer<typeof proposeSchema>,
    @IdempotencyKey() key: string,
  ): Promise<Proposed> {
    const { state, unfit } = await this.commands.proposeLevel(key, request);
    const { level, fixIds } = state;
    const { kernelId } = request;
    return {
      levelId: levelIdOf({ kernelId, level }),
      kernelId,
      level,
      fixes: fixIds.length,
      leftOut: unfit.map((one) => ({ ...one })),
    };
  }

  @Get()
  @Answers(pageOf(levelTable.schema), 'Levels, in the order in which they were proposed')
  list(
    @Query(new ListQuery(listLevels)) { limit, cursor, sort, state, kernel }: z.infer<typeof listLevels>,
    @AsOf() tables: TableReader,
  ) {
    const equal = { state, kernelId: kernel };
    return tables.page(levelTable, { order: sort, limit, cursor, equal });
  }

  @Get(':id')
  @Answers(levelViewSchema, 'A level')
  async one(@Param('id') id: string, @AsOf() tables: TableReader): Promise<z.infer<typeof levelViewSchema>> {
    const level = await tables.find(levelTable, { levelId: id });
    if (level === undefined) throw Problem.notFound('level', id.slice(0, 100));
    const bundles = await tables.where(bundleTable, 'kernelId', [level.kernelId]);
    const own = bundles.filter((bundle) => bundle.level === level.level);
    return { ...level, bundleIds: own.map(({ bundleId }) => bundleId) };
  }
}
