import { createHash } from 'node:crypto';
import { readModels } from '../projections/index.js';
import type { Columns } from '../projections/table.js';
import type { Query, Row } from './database-kind.js';

/** How two states of one table differ. */
export interface TableDifference {
  readonly table: string;
  /** Rows there. */
  readonly serving: number;
  readonly rebuilt: number;
  /** Rows that only one has, and rows that both have, with other values. */
  readonly onlyServing: number;
  readonly onlyRebuilt: number;
  readonly changed: number;
}

/** Two states of all tables, side by side. */
export interface Comparison {
  readonly equal: boolean;
  /** SHA-256 over all rows of all tables, in a fixed order. */
  readonly digests: { readonly serving: string; readonly rebuilt: string };
  readonly rows: number;
  /** The tables that differ. */
  readonly different: readonly TableDifference[];
}

interface Place {
  readonly key: readonly unknown[];
  /** All values, as JSON. */
  readonly text: string;
}

const pageRows = 1_000;

/** All tables that the log is folded into, the current ones and the past ones. */
export const foldedTables: readonly Columns[] = readModels.flatMap(({ table }) =>
  table.past === undefined ? [table] : [table, table.past],
);

/**
 * Compares all that the log was folded into, row by row in the order of the keys.
 * @param bytewise follows a column of text in an order: has it sorted by bytes
 */
export async function compareTables(serving: Query, rebuilt: Query, bytewise: string): Promise<Comparison> {
  const hashes = { serving: createHash('sha256'), rebuilt: createHash('sha256') };
  const different: TableDifference[] = [];
  let rows = 0;
  for (const table of foldedTables) {
    const count = { serving: 0, rebuilt: 0, onlyServing: 0, onlyRebuilt: 0, changed: 0 };
    const sides = {
      serving: new Side(rowsOf(serving, table, bytewise), hashes.serving, table.name),
      rebuilt: new Side(rowsOf(rebuilt, table, bytewise), hashes.rebuilt, table.name),
    };
    for (;;) {
      const [left, right] = [
        sides.serving.next ?? (await sides.serving.more()),
        sides.rebuilt.next ?? (await sides.rebuilt.more()),
      ];
      if (left === undefined && right === undefined) break;
      const order = left === undefined ? 1 : right === undefined ? -1 : compareKeys(left.key, right.key);
      if (order <= 0) {
        count.serving += 1;
        sides.serving.take();
      }
      if (order >= 0) {
        count.rebuilt += 1;
        sides.rebuilt.take();
      }
      if (order < 0) count.onlyServing += 1;
      else if (order > 0) count.onlyRebuilt += 1;
      else if (left?.text !== right?.text) count.changed += 1;
    }
    rows += count.rebuilt;
    if (count.onlyServing + count.onlyRebuilt + count.changed > 0) different.push({ table: table.name, ...count });
  }
  const digests = { serving: hashes.serving.digest('hex'), rebuilt: hashes.rebuilt.digest('hex') };
  return { equal: digests.serving === digests.rebuilt, digests, rows, different };
}

/** One of the two states of a table, a page of rows at a time. */
class Side {
  private page: readonly Place[] = [];
  private at = 0;

  constructor(
    private readonly pages: AsyncGenerator<readonly Place[]>,
    private readonly hash: ReturnType<typeof createHash>,
    table: string,
  ) {
    hash.update(`${table}\n`);
  }

  /** The row that it stands at; undefined at the end of the page. */
  get next(): Place | undefined {
    return this.page[this.at];
  }

  async more(): Promise<Place | undefined> {
    const { value } = await this.pages.next();
    this.page = value === undefined ? [] : (value as readonly Place[]);
    this.at = 0;
    return this.next;
  }

  take(): void {
    this.hash.update(`${this.next?.text ?? ''}\n`);
    this.at += 1;
  }
}

async function* rowsOf(query: Query, table: Columns, bytewise: string): AsyncGenerator<readonly Place[]> {
  const names = table.columns.map((column) => `"${column}"`).join(', ');
  const ordered = table.key.map((column) => `"${column}"${table.numeric.has(column) ? '' : bytewise}`).join(', ');
  const marks = table.key.map((_column, index) => `$${index + 1}`).join(', ');
  const rest = `ORDER BY ${ordered} LIMIT ${pageRows}`;
  for (let after: readonly unknown[] | undefined; ;) {
    const found: readonly Row[] =
      after === undefined
        ? await query(`SELECT ${names} FROM "${table.name}" ${rest}`)
        : await query(`SELECT ${names} FROM "${table.name}" WHERE (${ordered}) > (${marks}) ${rest}`, after);
    const page = found.map((row) => placeOf(table, row));
    if (page.length > 0) yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)?.key;
  }
}

function placeOf({ columns, key }: Columns, row: Row): Place {
  return { key: key.map((column) => row[column]), text: JSON.stringify(columns.map((column) => row[column] ?? null)) };
}

/** Numbers by value, texts by their bytes, as the databases sort them. */
function compareKeys(a: readonly unknown[], b: readonly unknown[]): number {
  for (const [index, one] of a.entries()) {
    const other = b[index];
    if (one === other) continue;
    if (typeof one === 'number' && typeof other === 'number') return one - other;
    return Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
  }
  return 0;
}
