import { Controller, Get, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { dropTable } from '../projections/drop.js';
import { dropCommitTable } from '../projections/drop-commit.js';
import { AdminApi, Answers, exactly, KnownId, listQuery, pageOf } from './api.js';

const listDrops = listQuery({ state: exactly, product: exactly });
const listCommits = listQuery({ kind: exactly });

/** The vendor's source drops and what they were split into. */
@AdminApi()
@Controller('v1/drops')
export class DropsController {
  constructor(private readonly tables: TableReader) {}

  @Get()
  @Answers(pageOf(dropTable.schema), 'Source drops, in the order in which they came')
  list(@Query(new ZodBody(listDrops)) { limit, cursor, state, product }: z.infer<typeof listDrops>) {
    return this.tables.page(dropTable, { order: ['firstPosition'], limit, cursor, equal: { state, product } });
  }

  @Get(':id')
  @Answers(dropTable.schema, 'A source drop')
  async one(@Param('id', new KnownId('drop')) id: string) {
    return (await this.tables.find(dropTable, { dropId: id })) ?? notFound(id);
  }

  @Get(':id/commits')
  @Answers(pageOf(dropCommitTable.schema), 'The commits of a split drop, in the order of the series')
  async commits(
    @Param('id', new KnownId('drop')) id: string,
    @Query(new ZodBody(listCommits)) { limit, cursor, kind }: z.infer<typeof listCommits>,
  ) {
    if ((await this.tables.find(dropTable, { dropId: id })) === undefined) notFound(id);
    return this.tables.page(dropCommitTable, { order: ['ordinal'], limit, cursor, equal: { dropId: id, kind } });
  }
}

function notFound(id: string): never {
  throw Problem.notFound('drop', id);
}
