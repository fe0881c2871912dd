import { Injectable } from '@nestjs/common';
import { digestOf } from '#libs/contracts';
import { fromStored, type Table } from '../projections/table.js';
import { type CursorKey, decodeCursor, encodeCursor } from './cursor.js';
import { CatalogDatabase } from './database.js';
import {
  type Among,
  type Condition,
  countByGroup,
  countDistinct,
  type Groups,
  type Order,
  selectEver,
  selectRows,
  type Statement,
} from './select.js';

/** One page of a list. */
export interface Page<Row> {
  readonly items: readonly Row[];
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly nextCursor?: string;
}

/** What to list. */
export interface Listing {
  readonly order: Order;
  readonly limit: number;
  readonly cursor?: string;
  /** Columns that must have this value; those without a value don't matter. */
  readonly equal?: Readonly<Record<string, string | undefined>>;
  readonly among?: { readonly column: string } & Among;
  /** What rows must be like besides. */
  readonly where?: readonly Condition[];
}

const maxIdsAtOnce = 500;

/** Reads the tables, on the connection that can't write: as they are, or as they were at a position of the log. */
@Injectable()
export class TableReader {
  /** The position that everything is read as of; undefined: as it is. */
  readonly position: number | undefined;

  constructor(private readonly database: CatalogDatabase) {}

  /** The tables as they were after the commit at `position` (or the last one before it). */
  asOf(position: number): TableReader {
    return Object.assign(new TableReader(this.database), { position });
  }

  /** A page of a table, by keyset: what is added meanwhile moves nothing. @throws Problem for a cursor that isn't one of this list. */
  async page<Row extends object>(table: Table<Row>, listing: Listing): Promise<Page<Row>> {
    const { order, limit, cursor, equal = {}, among, where: besides = [] } = listing;
    const where: Condition[] = Object.entries(equal).flatMap(([column, is]) =>
      is === undefined ? [] : [{ column, is }],
    );
    if (among !== undefined) where.push({ column: among.column, among });
    where.push(...besides);
    if ([...Object.values(equal), among?.is].some(isNowhere)) return { items: [] };
    const list = listName(table, listing);
    if (cursor !== undefined) {
      where.push({ order, after: decodeCursor(cursor, { list, asOf: this.position, table, columns: order.columns }) });
    }
    const found = await this.select(table, { where, order, limit: limit + 1 });
    const items = found.slice(0, limit);
    if (found.length <= limit) return { items };
    const last: Record<string, unknown> = { ...items.at(-1) };
    const empty = (column: string): CursorKey => (table.numeric.has(column) ? -1 : '');
    const key = order.columns.map((column) => (last[column] ?? empty(column)) as CursorKey);
    return { items, nextCursor: encodeCursor({ list, asOf: this.position, key }) };
  }

  /** The one row with these values. */
  async find<Row extends object>(table: Table<Row>, equal: Record<string, string | number>): Promise<Row | undefined> {
    if (Object.values(equal).some(isNowhere)) return undefined;
    const where = Object.entries(equal).map(([column, is]) => ({ column, is }));
    return (await this.select(table, { where, limit: 1 }))[0];
  }

  /** All rows that have one of these values in a column, and the others in others. */
  async where<Row extends object>(
    table: Table<Row>,
    column: string,
    values: readonly string[],
    equal: Readonly<Record<string, string>> = {},
  ): Promise<readonly Row[]> {
    const distinct = [...new Set(values)].filter((value) => !isNowhere(value));
    const besides = Object.entries(equal).map(([other, is]) => ({ column: other, is }));
    const rows: Row[] = [];
    for (let start = 0; start < distinct.length; start += maxIdsAtOnce) {
      const some = distinct.slice(start, start + maxIdsAtOnce);
      // In no order of their own they would stand in another one as of a position.
      const order = { columns: table.key };
      rows.push(...(await this.select(table, { where: [{ column, in: some }, ...besides], order })));
    }
    return rows;
  }

  /** The texts that a column has, or ever had up to the moment, in rows that hold to some conditions. */
  async everHad(table: Table<object>, column: string, where: readonly Condition[]): Promise<readonly string[]> {
    const rows = await this.run(selectEver(table, column, where, this.position));
    return rows.map(({ value }) => String(value));
  }

  /** How many values a column has in the rows that hold to some conditions. */
  async count(table: Table<object>, column: string, where: readonly Condition[]): Promise<number> {
    const [row] = await this.run(countDistinct(table, column, where, this.position));
    return Number(row?.['count'] ?? 0);
  }

  /**
   * For each group, how many values a column has in the rows whose `of` is one of the group's, and that hold to some conditions. A group of
   * which there is no row is absent.
   */
  async countBy(
    table: Table<object>,
    counted: { readonly column: string; readonly of: string; readonly groups: Groups },
    where: readonly Condition[],
  ): Promise<ReadonlyMap<string, number>> {
    if ([...counted.groups.values()].every(({ length }) => length === 0)) return new Map();
    const rows = await this.run(countByGroup(table, counted, where, this.position));
    return new Map(rows.map(({ group, count }) => [String(group), Number(count)]));
  }

  /** Rows that hold to some conditions. */
  async select<Row extends object>(
    table: Table<Row>,
    selection: Parameters<typeof selectRows>[1],
  ): Promise<readonly Row[]> {
    const found = await this.run(selectRows(table, selection, this.position));
    return found.map((stored) => fromStored(table, stored));
  }

  private async run({ sql, parameters }: Statement): Promise<readonly Record<string, unknown>[]> {
    return this.database.query(sql, parameters);
  }
}

/** No row has a text with a NUL (see `toStored`), and PostgreSQL refuses to look for one. */
function isNowhere(value: string | number | undefined): boolean {
  return typeof value === 'string' && value.includes('\0');
}

/** Tells lists with other filters, or another order, apart: the cursor of one says nothing in the other. */
function listName(table: Table<object>, { order, equal, among }: Listing): string {
  const filters = [equal, among && [among.table.name, among.is]];
  return digestOf(JSON.stringify([table.name, order.columns, order.descending === true, ...filters])).slice(0, 10);
}
