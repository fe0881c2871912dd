import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { type Columns, toStored } from '../projections/table.js';

/** Of a few kB each at the most, but for the commits and changes of a drop. */
const maxRowsAtOnce = 1_000;
/** Statements that wait for the database at the most, each with the JSON of its rows. */
const maxWaiting = 8;

/** What becomes of a row whose key is there already. */
export type OnConflict = 'replace' | 'keep';

/**
 * Writes rows in one transaction, many in one statement with one parameter: their JSON, which the database takes apart. Parameters one by one cost Node
 * more than twice as much, and a statement that names thousands of them is long to parse; TypeORM's insert builder names, sorts and
 * looks up every single value, half of all the time that a rebuild took.
 *
 * The database works on one statement after the other while the next ones are made ready, so that neither waits for the other: a
 * statement is carried out some time after `upsert` has resolved, and none after `done` has.
 */
export class BulkWrites {
  private readonly isPostgres: boolean;
  private readonly waiting: Promise<unknown>[] = [];
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly manager: EntityManager) {
    this.isPostgres = manager.connection.options.type === 'postgres';
  }

  /** @throws what a statement before it met */
  async upsert(table: Columns, rows: readonly object[], onConflict: OnConflict): Promise<void> {
    if (rows.length === 0) return;
    const statement = upsertOf(table, onConflict, this.isPostgres);
    for (let start = 0; start < rows.length; start += maxRowsAtOnce) {
      const json = this.jsonOf(table, rows.slice(start, start + maxRowsAtOnce));
      if (this.waiting.length >= maxWaiting) await this.waiting.shift();
      this.add(statement, json);
      // The next statement is begun between two turns of the event loop alone.
      await nextTurn();
    }
  }

  /** Waits for all that was handed over. @throws what a statement met */
  async done(): Promise<void> {
    await this.last;
  }

  /** After one that failed none is carried out. */
  private add(statement: string, json: string): void {
    this.last = this.last.then(() => this.manager.query(statement, [json]));
    // Whoever comes next hears of it; until then it is nobody's.
    this.last.catch(() => undefined);
    this.waiting.push(this.last);
  }

  private jsonOf(table: Columns, rows: readonly object[]): string {
    const values = rows.map((row) => toStored(table, row));
    return JSON.stringify(this.isPostgres ? values.map((of) => named(table, of)) : values);
  }
}

function upsertOf(table: Columns, onConflict: OnConflict, isPostgres: boolean): string {
  const names = table.columns.map(quoted).join(',');
  const key = table.key.map(quoted).join(',');
  const others = table.columns.filter((column) => !table.key.includes(column));
  const replace = others.map((column) => `${quoted(column)}=excluded.${quoted(column)}`).join(',');
  const rest = onConflict === 'keep' || others.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${replace}`;
  const source = isPostgres
    ? `SELECT ${names} FROM json_populate_recordset(NULL::${quoted(table.name)}, $1::json)`
    : // Without a WHERE, SQLite takes ON for the beginning of a join.
      `SELECT ${table.columns.map((_column, index) => `value->>${index}`).join(',')} FROM jsonb_each($1) WHERE true`;
  return `INSERT INTO ${quoted(table.name)} (${names}) ${source} ON CONFLICT (${key}) ${rest}`;
}

function named({ columns }: Columns, values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) row[column] = values[index];
  return row;
}

function quoted(name: string): string {
  return `"${name}"`;
}
