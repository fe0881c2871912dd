import type { Columns, Table } from '../projections/table.js';

/** Texts and numbers, as SQL compares them. */
export type Value = string | number;

/** What a row must be like. */
export type Condition =
  | { readonly column: string; readonly is: Value }
  | { readonly column: string; readonly in: readonly Value[] }
  /** Its value is among the `select` of another table's rows in which `where` has a value. */
  | { readonly column: string; readonly among: Among }
  /** It comes after these values in the order. */
  | { readonly order: Order; readonly after: readonly Value[] };

export interface Among {
  readonly table: Table<object>;
  readonly select: string;
  readonly where: string;
  readonly is: Value;
}

/** Columns, together unique, by whose values rows are sorted. */
export interface Order {
  readonly columns: readonly string[];
  readonly descending?: boolean;
}

export interface Selection {
  readonly where: readonly Condition[];
  readonly order?: Order;
  readonly limit?: number;
}

/** A statement and what its parameters stand for. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * Selects rows as they are, or as they were after the commit at a position.
 *
 * As of a position, a row is the current one, unless that is newer; then it is the past one that was changed after it. Conditions, order and
 * limit are told to both tables, so that each is read by its own indices.
 */
export function selectRows(table: Table<object>, selection: Selection, asOf?: number): Statement {
  const marks = new Marks();
  const names = table.columns.map(quoted).join(', ');
  const { order, limit } = selection;
  const bounds = `${order === undefined ? '' : orderBy(table, order)}${limit === undefined ? '' : ` LIMIT ${limit}`}`;
  const [now = '', past] = sourcesOf(table, selection.where, marks, asOf).map(
    (source) => `SELECT ${names} FROM ${source}${bounds}`,
  );
  const sql =
    past === undefined
      ? now
      : `SELECT * FROM (SELECT * FROM (${now}) n UNION ALL SELECT * FROM (${past}) p) r${bounds}`;
  return { sql, parameters: marks.values };
}

/** Counts the values of a column in rows as they are, or were. The count is called `count`. */
export function countDistinct(
  table: Table<object>,
  column: string,
  where: readonly Condition[],
  asOf?: number,
): Statement {
  const marks = new Marks();
  const sources = sourcesOf(table, where, marks, asOf).map((source) => `SELECT ${quoted(column)} FROM ${source}`);
  const sql = `SELECT COUNT(DISTINCT ${quoted(column)}) AS "count" FROM (${sources.join(' UNION ALL ')}) r`;
  return { sql, parameters: marks.values };
}

/** Selects, once each, the values that a column has or ever had in rows that hold to some conditions. The value is called `value`. */
export function selectEver(
  table: Table<object>,
  column: string,
  where: readonly Condition[],
  asOf?: number,
): Statement {
  const marks = new Marks();
  const moment = asOf === undefined ? undefined : marks.of(asOf);
  // Each state that a row was in stands in one of the tables, with the position of the commit that brought it about.
  const known = moment === undefined ? [] : [`"position" <= ${moment}`];
  const conditions = [...known, ...where.map((one) => conditionOf(table, one, marks, moment))];
  conditions.push(`${quoted(column)} IS NOT NULL`);
  const sources = [table, ...(table.past === undefined ? [] : [table.past])];
  const sql = sources.map((source) => `SELECT ${quoted(column)} AS "value" FROM ${from(source, conditions)}`);
  return { sql: sql.join(' UNION '), parameters: marks.values };
}

/** Values that belong to a group, by the group's name. */
export type Groups = ReadonlyMap<string, readonly string[]>;

/** Counts, for each group, the values of a column in rows whose `of` is one of the group's. A row each: `group` and `count`; none: no row. */
export function countByGroup(
  table: Table<object>,
  { column, of, groups }: { readonly column: string; readonly of: string; readonly groups: Groups },
  where: readonly Condition[],
  asOf?: number,
): Statement {
  const marks = new Marks();
  const pairs = [...groups].flatMap(([group, values]) =>
    values.map((value) => `(${marks.of(group)}, ${marks.of(value)})`),
  );
  const all = [...new Set([...groups.values()].flat())];
  const names = `${quoted(column)}, ${quoted(of)}`;
  const sources = sourcesOf(table, [{ column: of, in: all }, ...where], marks, asOf);
  const rows = sources.map((source) => `SELECT ${names} FROM ${source}`).join(' UNION ALL ');
  const sql =
    `SELECT g.column1 AS "group", COUNT(DISTINCT r.${quoted(column)}) AS "count" ` +
    `FROM (VALUES ${pairs.join(', ')}) g JOIN (${rows}) r ON r.${quoted(of)} = g.column2 GROUP BY g.column1`;
  return { sql, parameters: marks.values };
}

/** The tables in which the rows are, with the conditions that choose them there. */
function sourcesOf(
  table: Table<object>,
  where: readonly Condition[],
  marks: Marks,
  asOf: number | undefined,
): readonly string[] {
  const moment = asOf === undefined ? undefined : marks.of(asOf);
  const conditions = where.map((one) => conditionOf(table, one, marks, moment));
  if (moment === undefined) return [from(table, conditions)];
  const begun = table.past === undefined ? [] : [`"firstPosition" <= ${moment}`];
  const known = [`"position" <= ${moment}`, ...begun, ...conditions];
  if (table.past === undefined) return [from(table, known)];
  return [from(table, known), from(table.past, [...known, `"until" > ${moment}`])];
}

function from({ name }: Columns, conditions: readonly string[]): string {
  return `"${name}"${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
}

function conditionOf(table: Columns, one: Condition, marks: Marks, moment: string | undefined): string {
  if ('after' in one) {
    const columns = one.order.columns.map((column) => sortable(table, column)).join(', ');
    const values = one.after.map((value) => marks.of(value)).join(', ');
    return `(${columns}) ${one.order.descending ? '<' : '>'} (${values})`;
  }
  const column = quoted(one.column);
  if ('is' in one) return `${column} = ${marks.of(one.is)}`;
  if ('in' in one && one.in.length === 0) return '1 = 0';
  if ('in' in one) return `${column} IN (${one.in.map((value) => marks.of(value)).join(', ')})`;
  const { table: other, select, where, is } = one.among;
  const known = moment === undefined ? '' : ` AND "position" <= ${moment}`;
  return `${column} IN (SELECT ${quoted(select)} FROM "${other.name}" WHERE ${quoted(where)} = ${marks.of(is)}${known})`;
}

function orderBy(table: Columns, { columns, descending }: Order): string {
  const direction = descending ? 'DESC' : 'ASC';
  return ` ORDER BY ${columns.map((column) => `${sortable(table, column)} ${direction}`).join(', ')}`;
}

/** Databases don't agree on where an empty value stands in an order; here it is the smallest. */
function sortable(table: Columns, column: string): string {
  if (!table.nullable.has(column)) return quoted(column);
  return `COALESCE(${quoted(column)}, ${table.numeric.has(column) ? '-1' : "''"})`;
}

function quoted(column: string): string {
  return `"${column}"`;
}

/**
 * Numbers values in the order in which they are first named. `$1` is a parameter to PostgreSQL by its number, and to SQLite by its name,
 * of which it numbers the first one 1: so it is the same to both, and may stand twice.
 */
class Marks {
  readonly values: unknown[] = [];

  of(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}
