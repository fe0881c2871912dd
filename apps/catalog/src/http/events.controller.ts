import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { EventStore } from '#libs/eventstore';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { eventTable } from '../projections/event.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery } from './list-query.js';

const sorts = { position: ['position', 'index'] };
const listEvents = listQuery(sorts, {
  type: exactly,
  stream: exactly.describe('E.g. `fix.<id>`.'),
  actor: exactly,
  correlation: exactly.describe('A correlation id: all that followed from one beginning.'),
});
const eventViewSchema = eventTable.schema.and(z.object({ data: z.unknown() }));

/** The log itself. */
@AdminApi()
@Controller('v1/events')
export class EventsController {
  constructor(private readonly events: EventStore) {}

  @Get()
  @Answers(pageOf(eventTable.schema), 'Events in the order of the log, without their data')
  list(@Query(new ListQuery(listEvents)) query: z.infer<typeof listEvents>, @AsOf() tables: TableReader) {
    const { limit, cursor, sort, type, stream, actor, correlation } = query;
    const equal = { type, stream, actor, correlationId: correlation };
    return tables.page(eventTable, { order: sort, limit, cursor, equal });
  }

  @Get(':id')
  @Answers(eventViewSchema, 'An event with its data, read from the log')
  async one(@Param('id') id: string, @AsOf() tables: TableReader): Promise<z.infer<typeof eventViewSchema>> {
    const row = await tables.find(eventTable, { id });
    if (row === undefined) throw Problem.notFound('event', id.slice(0, 100));
    const commit = await this.events.readCommit(row.position);
    return { ...row, data: commit?.events[row.index]?.fact.data };
  }
}
