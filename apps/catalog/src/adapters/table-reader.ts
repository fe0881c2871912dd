import { type EntityTarget, In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { fromStored, type Table } from '../projections/table.js';
import { type CursorKey, decodeCursor, encodeCursor } from './cursor.js';
import { CatalogDatabase } from './database.js';
import { Injectable } from '@nestjs/common';

/** One page of a list. */
export interface Page<Row> {
  readonly items: readonly Row[];
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly nextCursor?: string;
}

/** What to list. */
export interface Listing {
  /** Columns in whose order it goes; together unique. */
  readonly order: readonly string[];
  readonly limit: number;
  readonly cursor?: string;
  /** Columns that must have this value; those without a value don't matter. */
  readonly equal?: Readonly<Record<string, string | undefined>>;
  /** Rows whose `column` is among the `select` of another table's rows where `column` has a value. */
  readonly among?: {
    readonly column: string;
    readonly table: string;
    readonly select: string;
    readonly where: string;
    readonly is: string;
  };
}

const maxIdsAtOnce = 500;

/** Reads the tables, on the connection that can't write. */
@Injectable()
export class TableReader {
  constructor(private readonly database: CatalogDatabase) {}

  /** A page of a table, by keyset: what is added meanwhile moves nothing. @throws Problem for a cursor that isn't one. */
  async page<Row extends object>(table: Table<Row>, listing: Listing): Promise<Page<Row>> {
    const { order, limit, cursor, equal = {}, among } = listing;
    const query = this.rows(table.entity);
    for (const [column, value] of Object.entries(equal)) {
      if (value !== undefined) query.andWhere(`r.${column} = :${column}`, { [column]: value });
    }
    if (among !== undefined) {
      const { column, table: other, select, where, is } = among;
      query.andWhere(`r.${column} IN (SELECT "${select}" FROM "${other}" WHERE "${where}" = :among)`, { among: is });
    }
    if (cursor !== undefined) after(query, order, decodeCursor(cursor, order.length));
    for (const column of order) query.addOrderBy(`r.${column}`, 'ASC');
    const found = await query.take(limit + 1).getMany();
    const items = found.slice(0, limit).map((stored) => fromStored(table, stored));
    const last = found[limit - 1];
    if (found.length <= limit || last === undefined) return { items };
    return { items, nextCursor: encodeCursor(order.map((column) => last[column] as CursorKey)) };
  }

  /** The one row with these values. */
  async find<Row extends object>(table: Table<Row>, where: Record<string, string | number>): Promise<Row | undefined> {
    const stored = await this.database.reader.manager.findOneBy(table.entity, where);
    return stored === null ? undefined : fromStored(table, stored as object);
  }

  /** All rows that have one of these values in a column. */
  async where<Row extends object>(
    table: Table<Row>,
    column: string,
    values: readonly string[],
  ): Promise<readonly Row[]> {
    const distinct = [...new Set(values)];
    const rows: Row[] = [];
    for (let start = 0; start < distinct.length; start += maxIdsAtOnce) {
      const some = distinct.slice(start, start + maxIdsAtOnce);
      const found: object[] = await this.database.reader.manager.findBy(table.entity, { [column]: In(some) });
      rows.push(...found.map((stored) => fromStored(table, stored)));
    }
    return rows;
  }

  /** How many rows have this value in a column. */
  async count(table: Table<object>, column: string, value: string): Promise<number> {
    return this.database.reader.manager.countBy(table.entity, { [column]: value });
  }

  private rows(entity: EntityTarget<ObjectLiteral>): SelectQueryBuilder<ObjectLiteral> {
    return this.database.reader.manager.createQueryBuilder(entity, 'r');
  }
}

/** `(a, b) > (x, y)`: what comes after a key. */
function after(query: SelectQueryBuilder<ObjectLiteral>, order: readonly string[], key: readonly CursorKey[]): void {
  const columns = order.map((column) => `r.${column}`).join(', ');
  const values = order.map((_column, index) => `:after${index}`).join(', ');
  const parameters = Object.fromEntries(key.map((value, index) => [`after${index}`, value]));
  query.andWhere(`(${columns}) > (${values})`, parameters);
}
