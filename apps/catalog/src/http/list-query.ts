import { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import type { Order } from '../adapters/select.js';
import type { Table } from '../projections/table.js';

/** What a list can be sorted by: names, each with the columns, together unique, that it stands for. The first is the default. */
export type Sorts = Readonly<Record<string, readonly string[]>>;

/** The query of a list: its filters and its closed list of orders. */
export function listQuery<S extends z.ZodRawShape>(sorts: Sorts, filters: S) {
  return z.strictObject({
    limit: z.coerce.number().int().min(1).max(500).default(50).describe('How many at the most.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before.'),
    sort: sortOf(sorts),
    ...filters,
  });
}

function sortOf(sorts: Sorts) {
  const names = Object.keys(sorts);
  const [first = ''] = names;
  const descending = names.map((name) => `-${name}`);
  const order = (sort: string): Order => {
    const name = sort.replace(/^-/, '');
    return { columns: sorts[name] ?? [], descending: sort !== name };
  };
  return z
    .enum([...names, ...descending])
    .default(first)
    .describe('What it is sorted by; with a `-` before it the other way round.')
    .transform(order);
}

/** A filter for an exact value. */
export const exactly = z.string().min(1).max(256).optional();

/** A filter for one of the values that a column can have: a mistyped one is refused, and they are named. */
export function oneOf(table: Table<object>, column: string) {
  const shape: Readonly<Record<string, unknown>> = table.schema instanceof z.ZodObject ? table.schema.shape : {};
  const type = shape[column] instanceof z.ZodOptional ? shape[column].unwrap() : shape[column];
  if (!(type instanceof z.ZodEnum)) throw new TypeError(`${table.name}.${column} has no closed list of values`);
  return z.enum(type.options.map(String)).optional();
}

/** Checks the query of a list. What isn't known is refused rather than ignored, and what is known is named. */
export class ListQuery<Shape extends z.ZodRawShape> extends ZodBody<z.output<z.ZodObject<Shape>>> {
  private readonly known: readonly string[];
  private readonly sorts: readonly string[];

  constructor(schema: z.ZodObject<Shape>) {
    super(schema);
    this.known = [...Object.keys(schema.shape), 'asOf'];
    const sort: unknown = schema.shape['sort'];
    this.sorts = sort instanceof z.ZodPipe ? namesOf(sort.in) : [];
  }

  /** @throws Problem 400 `unknown-parameter` or `unknown-sort`; 422 for a value that isn't one */
  override transform(value: unknown): z.output<z.ZodObject<Shape>> {
    const asked: Readonly<Record<string, unknown>> = { ...(value as object) };
    const unknown = Object.keys(asked).filter((name) => !this.known.includes(name));
    if (unknown.length > 0) {
      const errors = unknown
        .slice(0, 20)
        .map((name) => ({ pointer: `/${name.slice(0, 100)}`, detail: 'not known here' }));
      const detail = `this list knows ${this.known.join(', ')}`;
      const title = 'No such filter';
      throw new Problem({
        status: 400,
        code: 'unknown-parameter',
        title,
        detail,
        errors,
        extra: { allowed: this.known },
      });
    }
    const sort = asked['sort'];
    if (typeof sort === 'string' && !this.sorts.includes(sort)) {
      const detail = `this list is sorted by ${this.sorts.filter((name) => !name.startsWith('-')).join(', ')}, or -NAME`;
      const title = 'No such order';
      throw new Problem({ status: 400, code: 'unknown-sort', title, detail, extra: { allowed: this.sorts } });
    }
    // Which moment is meant is decided where the tables are: `@AsOf()`.
    const { asOf: _asOf, ...rest } = asked;
    return super.transform(rest);
  }
}

function namesOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodDefault) return namesOf(schema.unwrap());
  return schema instanceof z.ZodEnum ? schema.options.map(String) : [];
}
