import { Controller, Get, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { kernelTable } from '../projections/kernel.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = {
  firstPosition: ['firstPosition'],
  position: ['position'],
  release: ['release', 'kernelId'],
  version: ['version', 'kernelId'],
};
const listKernels = listQuery(sorts, { state: oneOf(kernelTable, 'state'), distro: exactly, release: exactly });

/** The vendor's kernels that fixes are built for. */
@AdminApi()
@Controller('v1/kernels')
export class KernelsController {
  @Get()
  @Answers(pageOf(kernelTable.schema), 'Kernels, in the order in which they came')
  list(
    @Query(new ListQuery(listKernels)) { limit, cursor, sort, ...equal }: z.infer<typeof listKernels>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(kernelTable, { order: sort, limit, cursor, equal });
  }

  @Get(':id')
  @Answers(kernelTable.schema, 'A kernel')
  async one(@Param('id', new KnownId('kernel')) id: string, @AsOf() tables: TableReader) {
    const kernel = await tables.find(kernelTable, { kernelId: id });
    if (kernel === undefined) throw Problem.notFound('kernel', id);
    return kernel;
  }
}
