import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { tierSchema } from '#libs/contracts';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands } from '../commands.js';
import { bundleTable } from '../projections/bundle.js';
import { fixTable } from '../projections/fix.js';
import { AdminApi, Answers, exactly, Idempotent, KnownId, listQuery, pageOf } from './api.js';
import { IdempotencyKey } from './idempotency-key.js';

const listBundles = listQuery({
  state: exactly,
  tier: exactly,
  kernel: exactly.describe('A kernel id.'),
  fix: exactly,
  cve: exactly.describe('Those whose fix says that it closes it.'),
});
const promoteSchema = z.strictObject({ tier: tierSchema });
const recallSchema = z.strictObject({ reason: z.string().min(1).max(1024) });
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
  constructor(
    private readonly tables: TableReader,
    private readonly commands: Commands,
  ) {}

  @Get()
  @Answers(pageOf(bundleTable.schema), 'Bundles, in the order in which they were assembled')
  list(@Query(new ZodBody(listBundles)) query: z.infer<typeof listBundles>) {
    const { limit, cursor, state, tier, kernel, fix, cve } = query;
    const among =
      cve === undefined ? undefined : { column: 'fixId', table: 'cve_fixes', select: 'fixId', where: 'cveId', is: cve };
    const equal = { state, tier, kernelId: kernel, fixId: fix };
    return this.tables.page(bundleTable, { order: ['firstPosition'], limit, cursor, equal, among });
  }

  @Get(':id')
  @Answers(bundleViewSchema, 'A bundle')
  async one(@Param('id', new KnownId('bundle')) id: string): Promise<z.infer<typeof bundleViewSchema>> {
    const bundle = await this.tables.find(bundleTable, { bundleId: id });
    if (bundle === undefined) throw Problem.notFound('bundle', id);
    const fix = await this.tables.find(fixTable, { fixId: bundle.fixId });
    return { ...bundle, subject: fix?.subject ?? '', cves: fix?.cves ?? [] };
  }

  @Post(':id/promote')
  @Idempotent()
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
  @Idempotent()
  @Answers(rolledOutSchema, 'It is withdrawn, and never applied again')
  async recall(
    @Param('id', new KnownId('bundle')) bundleId: string,
    @Body(new ZodBody(recallSchema)) { reason }: z.infer<typeof recallSchema>,
    @IdempotencyKey() key: string,
  ): Promise<RolledOut> {
    const state = await this.commands.rollOut(key, { type: 'RecallBundle', bundleId, reason });
    return { bundleId, state: 'recalled', tier: state.tier };
  }
}
