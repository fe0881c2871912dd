import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Problem } from '#libs/service';
import type { TableReader } from '../adapters/table-reader.js';
import { commitHunkTable } from '../projections/commit-hunk.js';
import { cveCommitTable } from '../projections/cve.js';
import { dropCommitTable } from '../projections/drop-commit.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { position: ['position', 'dropId', 'ordinal'], subject: ['subject', 'dropId', 'ordinal'] };
const listPatches = listQuery(sorts, {
  drop: exactly.describe('A drop id.'),
  kind: oneOf(dropCommitTable, 'kind'),
  upstream: exactly.describe('The upstream commit that it is.'),
  cve: exactly.describe('Those that name it.'),
});
const patchViewSchema = dropCommitTable.schema.and(z.object({ hunks: z.array(commitHunkTable.schema) }));

/** Patches: the commits that the monolithic drops were split into, one a fix. */
@AdminApi()
@Controller('v1/patches')
export class PatchesController {
  @Get()
  @Answers(pageOf(dropCommitTable.schema), 'Patches, in the order in which their drops were split')
  list(@Query(new ListQuery(listPatches)) query: z.infer<typeof listPatches>, @AsOf() tables: TableReader) {
    const { limit, cursor, sort, drop, kind, upstream, cve } = query;
    const named = { column: 'commit', table: cveCommitTable, select: 'commit', where: 'cveId' };
    const among = cve === undefined ? undefined : { ...named, is: cve };
    const equal = { dropId: drop, kind, upstream };
    return tables.page(dropCommitTable, { order: sort, limit, cursor, equal, among });
  }

  @Get(':commit')
  @Answers(patchViewSchema, 'A patch, and the places of the monolith that it accounts for')
  async one(@Param('commit') commit: string, @AsOf() tables: TableReader): Promise<z.infer<typeof patchViewSchema>> {
    const patch = await tables.find(dropCommitTable, { commit });
    if (patch === undefined) throw Problem.notFound('patch', commit.slice(0, 100));
    const hunks = await tables.where(commitHunkTable, 'commit', [commit]);
    return { ...patch, hunks: hunks.filter(({ dropId }) => dropId === patch.dropId) };
  }
}
