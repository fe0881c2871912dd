import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { bundleFixTable } from '../projections/bundle-fix.js';
import { cveFixTable } from '../projections/cve.js';
import { fixTable } from '../projections/fix.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = {
  firstPosition: ['firstPosition'],
  position: ['position'],
  subject: ['subject', 'fixId'],
  kernelId: ['kernelId', 'fixId'],
};
const listFixes = listQuery(sorts, {
  state: oneOf(fixTable, 'state'),
  kernel: exactly.describe('A kernel id.'),
  cve: exactly.describe('Those that say they close it.'),
});
const fixViewSchema = fixTable.schema.and(z.object({ bundleIds: z.array(z.string()) }));

/** Fixes on their way from a commit to a live patch, with every reason where one was refused. */
@AdminApi()
@Controller('v1/fixes')
export class FixesController {
  @Get()
  @Answers(pageOf(fixTable.schema), 'Fixes, in the order in which they were proposed')
  list(
    @Query(new ListQuery(listFixes)) { limit, cursor, sort, state, kernel, cve }: z.infer<typeof listFixes>,
    @AsOf() tables: TableReader,
  ) {
    const among =
      cve === undefined ? undefined : { column: 'fixId', table: cveFixTable, select: 'fixId', where: 'cveId', is: cve };
    const equal = { state, kernelId: kernel };
    return tables.page(fixTable, { order: sort, limit, cursor, equal, among });
  }

  @Get(':id')
  @Answers(fixViewSchema, 'A fix')
  async one(
    @Param('id', new KnownId('fix')) id: string,
    @AsOf() tables: TableReader,
  ): Promise<z.infer<typeof fixViewSchema>> {
    const fix = await tables.find(fixTable, { fixId: id });
    if (fix === undefined) throw Problem.notFound('fix', id);
    const bundles = await tables.where(bundleFixTable, 'fixId', [id]);
    return { ...fix, bundleIds: bundles.map(({ bundleId }) => bundleId) };
  }
}
