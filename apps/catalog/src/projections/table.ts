import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { z } from 'zod';

/** Where a row stands in the log. Every read model's rows have it. */
export const placeShape = {
  /** Position of the event that the row began with: the order of lists. */
  firstPosition: z.int().nonnegative(),
  /** Position of the last event that changed it. */
  position: z.int().nonnegative(),
  updatedAt: z.iso.datetime(),
} as const;

/** One table: its rows' schema is the API's answer, the columns and the TypeScript type at once. */
export interface Table<Row extends object> {
  readonly name: string;
  readonly schema: z.ZodType<Row>;
  readonly entity: EntitySchema;
  readonly columns: readonly string[];
  /** Columns that hold JSON. */
  readonly json: ReadonlySet<string>;
  /** The primary key. */
  readonly key: readonly string[];
}

/** Describes a table by its rows' schema: texts and numbers become columns of their own, the rest JSON. */
export function table<S extends z.ZodRawShape>(
  name: string,
  schema: z.ZodObject<S>,
  key: readonly (keyof S & string)[],
  indexed: readonly (keyof S & string)[] = [],
): Table<z.infer<z.ZodObject<S>>> {
  const columns = Object.fromEntries(
    Object.entries(schema.shape).map(([field, type]) => [field, columnOf(type, key.includes(field))]),
  );
  const names = Object.keys(columns);
  return {
    name,
    schema,
    entity: new EntitySchema({
      name,
      tableName: name,
      columns,
      indices: indexed.map((column) => ({ name: `${name}_${column}`, columns: [column] })),
    }),
    columns: names,
    json: new Set(names.filter((column) => columns[column]?.type === 'simple-json')),
    key,
  };
}

function columnOf(type: unknown, primary: boolean): EntitySchemaColumnOptions {
  let inner: unknown = type;
  while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  return { type: columnType(inner), nullable: inner !== type, primary };
}

function columnType(type: unknown): 'varchar' | 'integer' | 'real' | 'simple-json' {
  if (type instanceof z.ZodNumber) return type.isInt ? 'integer' : 'real';
  const text =
    type instanceof z.ZodString ||
    type instanceof z.ZodStringFormat ||
    type instanceof z.ZodEnum ||
    type instanceof z.ZodLiteral;
  return text ? 'varchar' : 'simple-json';
}

/** A row's values as the database takes them, in the order of the columns: what is not known is NULL. */
export function toStored(table: Table<object>, row: object): readonly unknown[] {
  const known: Record<string, unknown> = { ...row };
  return table.columns.map((column) => {
    const value = known[column] ?? null;
    return value !== null && table.json.has(column) ? JSON.stringify(value) : value;
  });
}

/** A row as the database gave it: NULL is what is not known. Written by this program alone, so not parsed again. */
export function fromStored<Row extends object>(_table: Table<Row>, stored: object): Row {
  return Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== null)) as Row;
}
