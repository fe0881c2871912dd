import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { tierSchema } from '#libs/contracts';
import { Answers, Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { BundleMachines, bundleMachineSchema } from '../bundle-machines.js';
import { Commands } from '../commands.js';
import { bundleTable, subjectOf } from '../projections/bundle.js';
import { cveFixTable } from '../projections/cve.js';
import { fixTable } from '../projections/fix.js';
import { machineUpdateTable } from '../projections/machine-update.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { IdempotencyKey } from './idempotency-key.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { firstPosition: ['firstPosition'], position: ['position'], kernelId: ['kernelId', 'bundleId'] };
const listBundles = listQuery(sorts, {
  state: oneOf(bundleTable, 'state'),
  tier: oneOf(bundleTable, 'tier'),
  kernel: exactly.describe('A kernel id.'),
  fix: exactly.describe('A fix’s own; the levels that it is in are shown with the fix.'),
  cve: exactly.describe('Those whose fix says that it closes it.'),
});
const listMachines = listQuery(
  { machineId: ['machineId'] },
  {
    state: oneOf(machineUpdateTable, 'state').describe(
      'What the machine last said: those of `applied` and `stalled` may run it.',
    ),
  },
);
const promoteSchema = z.strictObject({ tier: tierSchema });
const recallSchema = z.strictObject({
  reason: z.string().min(1).max(1024),
  keep: z
    .literal(true)
    .optional()
    .describe('Machines that run it keep it until their next boot; else they take it back at once.'),
});
const bundleViewSchema = bundleTable.schema.and(z.object({ subject: z.string(), cves: z.array(z.string()) }));
const rolledOutSchema = z.object({
  bundleId: z.string(),
  state: z.enum(['promoted', 'recalled']),
  tier: tierSchema.optional(),
});
type RolledOut = z.infer<typeof rolledOutSchema>;

/** Signed live patches and how far they have been rolled out. */
@AdminApi()
@Controller('v1/bundles')
export class BundlesController {
  constructor(private readonly commands: Commands) {}

  @Get()
  @Answers(pageOf(bundleTable.schema), 'Bundles, in the order in which they were assembled')
  list(@Query(new ListQuery(listBundles)) query: z.infer<typeof listBundles>, @AsOf() tables: TableReader) {
    const { limit, cursor, sort, state, tier, kernel, fix, cve } = query;
    const among =
      cve === undefined ? undefined : { column: 'fixId', table: cveFixTable, select: 'fixId', where: 'cveId', is: cve };
    const equal = { state, tier, kernelId: kernel, fixId: fix };
    return tables.page(bundleTable, { order: sort, limit, cursor, equal, among });
  }

  @Get(':id')
  @Answers(bundleViewSchema, 'A bundle')
  async one(
    @Param('id', new KnownId('bundle')) id: string,
    @AsOf() tables: TableReader,
  ): Promise<z.infer<typeof bundleViewSchema>> {
    const bundle = await tables.find(bundleTable, { bundleId: id });
    if (bundle === undefined) throw Problem.notFound('bundle', id);
    const fixes = await tables.where(fixTable, 'fixId', bundle.fixIds);
    const cves = [...new Set(fixes.flatMap((fix) => fix.cves))].sort();
    return { ...bundle, subject: subjectOf(bundle, fixes[0]?.subject), cves };
  }

  @Get(':id/machines')
  @Answers(pageOf(bundleMachineSchema), 'Machines that spoke of it: on which it runs, and why, though it was recalled')
  async machines(
    @Param('id', new KnownId('bundle')) id: string,
    @Query(new ListQuery(listMachines)) { limit, cursor, sort, state }: z.infer<typeof listMachines>,
    @AsOf() tables: TableReader,
  ) {
    const bundle = await tables.find(bundleTable, { bundleId: id });
    if (bundle === undefined) throw Problem.notFound('bundle', id);
    return new BundleMachines(tables).page(bundle, { order: sort, limit, cursor, equal: { state } });
  }

  @Post(':id/promote')
  @Answers(rolledOutSchema, 'The tier’s machines may have it')
  async promote(
    @Param('id', new KnownId('bundle')) bundleId: string,
    @Body(new ZodBody(promoteSchema)) { tier }: z.infer<typeof promoteSchema>,
    @IdempotencyKey() key: string,
  ): Promise<RolledOut> {
    const state = await this.commands.rollOut(key, { type: 'PromoteBundle', bundleId, tier });
    return { bundleId, state: 'promoted', tier: state.tier };
  }

  @Post(':id/recall')
  @Answers(rolledOutSchema, 'It is withdrawn, and never applied again')
  async recall(
    @Param('id', new KnownId('bundle')) bundleId: string,
    @Body(new ZodBody(recallSchema)) { reason, keep }: z.infer<typeof recallSchema>,
    @IdempotencyKey() key: string,
  ): Promise<RolledOut> {
    const state = await this.commands.rollOut(key, {
      type: 'RecallBundle',
      bundleId,
      reason,
      ...(keep === undefined ? {} : { keep }),
    });
    return { bundleId, state: 'recalled', tier: state.tier };
  }
}
