import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { z } from 'zod';

/** The commit that a row was written by. */
export const sinceShape = {
  /** Position, in the log, of the commit that it comes from. */
  position: z.int().nonnegative(),
} as const;

/** Where a row that changes stands in the log. */
export const placeShape = {
  /** Position of the event that the row began with: the order of lists. */
  firstPosition: z.int().nonnegative(),
  /** Position of the last event that changed it. */
  position: z.int().nonnegative(),
  updatedAt: z.iso.datetime(),
} as const;

/** Every row says since which commit it has been as it is. */
export interface Placed {
  readonly position: number;
}

/** For lists as of a position: which past rows are those is told by the index alone, however many were changed since or before. */
export const pastOrder = ['firstPosition', 'position', 'until'] as const;

/** A table as SQL knows it. */
export interface Columns {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns that hold JSON. */
  readonly json: ReadonlySet<string>;
  /** Columns that hold numbers. */
  readonly numeric: ReadonlySet<string>;
  /** Columns that may be empty. */
  readonly nullable: ReadonlySet<string>;
  /** The primary key. */
  readonly key: readonly string[];
  readonly entity: EntitySchema;
}

/** One table: its rows' schema is the API's answer, the columns and the TypeScript type at once. */
export interface Table<Row extends object> extends Columns {
  readonly schema: z.ZodType<Row>;
  /**
   * What its rows were before they changed: the same columns, and `until`, the position of the commit that changed them. Absent where
   * rows are written once.
   */
  readonly past?: Columns;
}

type Column<S> = keyof S & string;
type Index<S> = Column<S> | readonly Column<S>[];

/**
 * Describes a table by its rows' schema: texts and numbers become columns of their own, the rest JSON. Rows with `placeShape` change,
 * and what they were is kept beside; rows with `sinceShape` alone are written once.
 */
export function table<S extends z.ZodRawShape & typeof sinceShape>(
  name: string,
  schema: z.ZodObject<S>,
  key: readonly Column<S>[],
  indexed: readonly Index<S>[] = [],
  indexedPast: readonly (string | readonly string[])[] = indexed,
): Table<z.infer<z.ZodObject<S>>> {
  const columns = Object.fromEntries(
    Object.entries(schema.shape).map(([field, type]) => [field, columnOf(field, type)]),
  );
  const current = columnsOf(name, columns, key, indexed);
  if (!('firstPosition' in schema.shape)) return { ...current, schema };
  const past = columnsOf(`${name}_past`, { ...columns, until: { type: 'integer' } }, [...key, 'position'], indexedPast);
  return { ...current, schema, past };
}

function columnsOf(
  name: string,
  columns: Readonly<Record<string, EntitySchemaColumnOptions>>,
  key: readonly string[],
  indexed: readonly (string | readonly string[])[],
): Columns {
  const options = Object.fromEntries(
    Object.entries(columns).map(([column, option]) => [column, { ...option, primary: key.includes(column) }]),
  );
  const where = (holds: (option: EntitySchemaColumnOptions) => boolean): ReadonlySet<string> =>
    new Set(Object.keys(columns).filter((column) => holds(columns[column] ?? { type: 'varchar' })));
  return {
    name,
    columns: Object.keys(columns),
    json: where(({ type }) => type === 'simple-json'),
    numeric: where(({ type }) => type === 'integer' || type === 'bigint' || type === 'real'),
    nullable: where(({ nullable }) => nullable === true),
    key,
    entity: new EntitySchema({
      name,
      tableName: name,
      columns: options,
      indices: indexed
        .map((index) => [index].flat())
        .map((index) => ({ name: `${name}_${index.join('_')}`, columns: index })),
    }),
  };
}

function columnOf(field: string, type: unknown): EntitySchemaColumnOptions {
  let inner: unknown = type;
  while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  return { type: columnType(field, inner), nullable: inner !== type };
}

type ColumnType = 'varchar' | 'integer' | 'bigint' | 'real' | 'simple-json';

function columnType(field: string, type: unknown): ColumnType {
  // An archive, or a source tree, may have more than 2 GiB.
  const whole = /bytes$/i.test(field) ? 'bigint' : 'integer';
  if (type instanceof z.ZodNumber) return type.isInt ? whole : 'real';
  const text =
    type instanceof z.ZodString ||
    type instanceof z.ZodStringFormat ||
    type instanceof z.ZodEnum ||
    type instanceof z.ZodLiteral;
  return text ? 'varchar' : 'simple-json';
}

/** A row's values as the database takes them, in the order of the columns: what is not known is NULL. */
export function toStored({ columns, json }: Columns, row: object): readonly unknown[] {
  const known = row as Readonly<Record<string, unknown>>;
  const values: unknown[] = [];
  for (const column of columns) {
    const value = known[column];
    if (value === undefined || value === null) values.push(null);
    else if (json.has(column)) values.push(JSON.stringify(value));
    else values.push(typeof value === 'string' ? storable(value) : value);
  }
  return values;
}

/**
 * PostgreSQL's texts can't hold a NUL, and its JSON no half of a surrogate pair: a hostile subject must not stop the projection. What
 * is in JSON columns is escaped already.
 */
function storable(text: string): string {
  return suspicious.test(text) ? text.replaceAll(unstorable, '\uFFFD') : text;
}

/** Told at once of nearly all texts, which have no character past U+00FF. */
const suspicious = /[\0\uD800-\uDFFF]/;
/** Where the pattern goes by characters, what stands alone is a surrogate and a pair is none. */
const unstorable = /[\0\p{Surrogate}]/gu;

/** A row as SQL gives it: NULL is what is not known. Written by this program alone, so not checked again. */
export function fromStored<Row extends object>(table: Table<Row>, stored: Readonly<Record<string, unknown>>): Row {
  const row: Record<string, unknown> = {};
  for (const column of table.columns) {
    const value = stored[column] ?? null;
    if (value !== null) row[column] = typeof value === 'string' && table.json.has(column) ? JSON.parse(value) : value;
  }
  return row as Row;
}
