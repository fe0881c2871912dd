import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Needs } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { callTable } from '../projections/call.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery } from './list-query.js';

const sorts = { position: ['position', 'index'] };
const listCalls = listQuery(sorts, {
  token: exactly.describe('A token’s id; `root` for the service’s own.'),
  method: exactly,
});

/** Who called what on this API. */
@AdminApi()
@Needs('admin')
@Controller('v1/calls')
export class CallsController {
  @Get()
  @Answers(pageOf(callTable.schema), 'Calls that may have changed something, or were refused for their role, in order')
  list(
    @Query(new ListQuery(listCalls)) { limit, cursor, sort, token, method }: z.infer<typeof listCalls>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(callTable, {
      order: sort,
      limit,
      cursor,
      equal: { tokenId: token, method },
    });
  }
}
