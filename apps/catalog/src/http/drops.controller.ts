import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { gitIdSchema } from '#libs/contracts';
import { type SplitReport, splitReportSchema } from '#libs/patchsplit';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { dropTable } from '../projections/drop.js';
import { Publishing } from '../publishing.js';
import { dropCommitTable } from '../projections/drop-commit.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';
import { clonePathOf } from './redpatch.controller.js';

/** Where the drop stands in the public repository; absent until it is split. */
const publicSchema = z.object({ path: z.string(), branch: z.string(), tag: z.string(), commit: gitIdSchema });
const oneSchema = dropTable.schema.and(z.object({ redpatch: publicSchema.optional() }));
const maxReportBytes = 256 * 1024 * 1024;
const sorts = {
  firstPosition: ['firstPosition'],
  position: ['position'],
  product: ['product', 'dropId'],
  version: ['version', 'dropId'],
};
const listDrops = listQuery(sorts, { state: oneOf(dropTable, 'state'), product: exactly });
const listCommits = listQuery({ ordinal: ['ordinal'] }, { kind: oneOf(dropCommitTable, 'kind') });

/** The vendor's source drops and what they were split into. */
@AdminApi()
@Controller('v1/drops')
export class DropsController {
  constructor(
    private readonly blobs: BlobStore,
    private readonly publishing: Publishing,
  ) {}

  @Get()
  @Answers(pageOf(dropTable.schema), 'Source drops, in the order in which they came')
  list(
    @Query(new ListQuery(listDrops)) { limit, cursor, sort, state, product }: z.infer<typeof listDrops>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(dropTable, { order: sort, limit, cursor, equal: { state, product } });
  }

  @Get(':id')
  @Answers(oneSchema, 'A source drop')
  async one(
    @Param('id', new KnownId('drop')) id: string,
    @AsOf() tables: TableReader,
  ): Promise<z.infer<typeof oneSchema>> {
    const drop = (await tables.find(dropTable, { dropId: id })) ?? notFound(id);
    const found = this.publishing.drop(id);
    if (found === undefined || drop.state !== 'split') return drop;
    const { product, branch, tag, commit } = found;
    return { ...drop, redpatch: { path: clonePathOf(product), branch, tag, commit } };
  }

  @Get(':id/report')
  @Answers(splitReportSchema, 'What the split found: whose each change is, how sure that is, and what was not found')
  async report(@Param('id', new KnownId('drop')) id: string, @AsOf() tables: TableReader): Promise<SplitReport> {
    const { report } = (await tables.find(dropTable, { dropId: id })) ?? notFound(id);
    if (report === undefined) throw Problem.notFound('report of drop', id);
    // Written by the diff stage alone, and read by its digest: not parsed again.
    return JSON.parse((await this.blobs.read(report, maxReportBytes)).toString('utf8')) as SplitReport;
  }

  @Get(':id/commits')
  @Answers(pageOf(dropCommitTable.schema), 'The commits of a split drop, in the order of the series')
  async commits(
    @Param('id', new KnownId('drop')) id: string,
    @Query(new ListQuery(listCommits)) { limit, cursor, sort, kind }: z.infer<typeof listCommits>,
    @AsOf() tables: TableReader,
  ) {
    if ((await tables.find(dropTable, { dropId: id })) === undefined) notFound(id);
    return tables.page(dropCommitTable, { order: sort, limit, cursor, equal: { dropId: id, kind } });
  }
}

function notFound(id: string): never {
  throw Problem.notFound('drop', id);
}
