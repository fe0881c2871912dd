import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { publicationTable } from '../projections/publication.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { position: ['position', 'index'] };
const listPublications = listQuery(sorts, { kind: oneOf(publicationTable, 'kind') });

/** What machines were told to trust, and when. */
@AdminApi()
@Controller('v1/publications')
export class PublicationsController {
  @Get()
  @Answers(pageOf(publicationTable.schema), 'Publications of the signed metadata, in order')
  list(
    @Query(new ListQuery(listPublications)) { limit, cursor, sort, kind }: z.infer<typeof listPublications>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(publicationTable, { order: sort, limit, cursor, equal: { kind } });
  }
}
