import { Controller, Get, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { kernelTable } from '../projections/kernel.js';
import { AdminApi, Answers, exactly, KnownId, listQuery, pageOf } from './api.js';

const listKernels = listQuery({ state: exactly, distro: exactly, release: exactly });

/** The vendor's kernels that fixes are built for. */
@AdminApi()
@Controller('v1/kernels')
export class KernelsController {
  constructor(private readonly tables: TableReader) {}

  @Get()
  @Answers(pageOf(kernelTable.schema), 'Kernels, in the order in which they came')
  list(@Query(new ZodBody(listKernels)) { limit, cursor, ...equal }: z.infer<typeof listKernels>) {
    return this.tables.page(kernelTable, { order: ['firstPosition'], limit, cursor, equal });
  }

  @Get(':id')
  @Answers(kernelTable.schema, 'A kernel')
  async one(@Param('id', new KnownId('kernel')) id: string) {
    const kernel = await this.tables.find(kernelTable, { kernelId: id });
    if (kernel === undefined) throw Problem.notFound('kernel', id);
    return kernel;
  }
}
