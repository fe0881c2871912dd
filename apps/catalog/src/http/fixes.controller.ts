import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { bundleTable } from '../projections/bundle.js';
import { fixTable } from '../projections/fix.js';
import { AdminApi, Answers, exactly, KnownId, listQuery, pageOf } from './api.js';

const listFixes = listQuery({
  state: exactly,
  kernel: exactly.describe('A kernel id.'),
  cve: exactly.describe('Those that say they close it.'),
});
const fixViewSchema = fixTable.schema.and(z.object({ bundleIds: z.array(z.string()) }));

/** Fixes on their way from a commit to a live patch, with every reason where one was refused. */
@AdminApi()
@Controller('v1/fixes')
export class FixesController {
  constructor(private readonly tables: TableReader) {}

  @Get()
  @Answers(pageOf(fixTable.schema), 'Fixes, in the order in which they were proposed')
  list(@Query(new ZodBody(listFixes)) { limit, cursor, state, kernel, cve }: z.infer<typeof listFixes>) {
    const among =
      cve === undefined ? undefined : { column: 'fixId', table: 'cve_fixes', select: 'fixId', where: 'cveId', is: cve };
    const equal = { state, kernelId: kernel };
    return this.tables.page(fixTable, { order: ['firstPosition'], limit, cursor, equal, among });
  }

  @Get(':id')
  @Answers(fixViewSchema, 'A fix')
  async one(@Param('id', new KnownId('fix')) id: string): Promise<z.infer<typeof fixViewSchema>> {
    const fix = await this.tables.find(fixTable, { fixId: id });
    if (fix === undefined) throw Problem.notFound('fix', id);
    const bundles = await this.tables.where(bundleTable, 'fixId', [id]);
    return { ...fix, bundleIds: bundles.map(({ bundleId }) => bundleId) };
  }
}
