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
  const moment = marks.moment(asOf);
  const names = table.columns.map(quoted).join(', ');
  const { order, limit } = selection;
  const bounds = `${order === undefined ? '' : orderBy(table, order)}${limit === undefined ? '' : ` LIMIT ${limit}`}`;
  const select = (source: string): string => `SELECT ${names} FROM ${source}${bounds}`;
  const conditions = selection.where.map((one) => conditionOf(table, one, marks, moment));
  const now = select(currentOf(table, conditions, moment));
  if (moment === undefined || table.past === undefined) return { sql: now, parameters: marks.values };
  const past = select(pastOf(table.past, conditions, moment, withinPage(selection, moment)));
  const sql =
    `WITH n AS MATERIALIZED (${now}) ` +
    `SELECT * FROM (SELECT * FROM n UNION ALL SELECT * FROM (${past}) p) r${bounds}`;
  return { sql, parameters: marks.values };
}

/**
 * Where past rows can be on a page: not beyond the last of the current ones (`n`) that would fill it alone, which for most lists leaves a
 * few of the past ones, of a hundred thousand, to look at. In any other order past rows have no index that could end there.
 */
function withinPage({ order, limit }: Selection, moment: string): string {
  const column = order?.columns[0];
  const isPlace = column === 'firstPosition' || column === 'position';
  if (!isPlace || limit === undefined) return begun(moment);
  const [reaches, direction, end] = order?.descending === true ? ['>=', 'DESC', '0'] : ['<=', 'ASC', moment];
  const last = `SELECT "${column}" FROM n ORDER BY "${column}" ${direction} LIMIT 1 OFFSET ${limit - 1}`;
  return `"${column}" ${reaches} COALESCE((${last}), ${end})`;
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
  const moment = marks.moment(asOf);
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
  const moment = marks.moment(asOf);
  const conditions = where.map((one) => conditionOf(table, one, marks, moment));
  const now = currentOf(table, conditions, moment);
  if (moment === undefined || table.past === undefined) return [now];
  return [now, pastOf(table.past, conditions, moment, begun(moment))];
}

/** The rows as they are; as of a moment, those that are as they were then. */
function currentOf(table: Table<object>, conditions: readonly string[], moment: string | undefined): string {
  if (moment === undefined) return from(table, conditions);
  // What was changed last by then had begun by then: that says nothing new, but lists are in the order of an index on it.
  const since = table.past === undefined ? [] : [begun(moment)];
  return from(table, [`"position" <= ${moment}`, ...since, ...conditions]);
}

/** The rows that were otherwise at a moment than they are. */
function pastOf(past: Columns, conditions: readonly string[], moment: string, where: string): string {
  return from(past, [`"position" <= ${moment}`, where, ...conditions, `"until" > ${moment}`]);
}

function begun(moment: string): string {
  return `"firstPosition" <= ${moment}`;
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

  /** The position that all is selected as of, to be named first. */
  moment(asOf: number | undefined): string | undefined {
    return asOf === undefined ? undefined : this.of(asOf);
  }
}
