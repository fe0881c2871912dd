import { z } from 'zod';
import { Problem } from '#libs/service';
import type { Columns } from '../projections/table.js';

export type CursorKey = string | number;

/** Where a page ended. */
export interface Cursor {
  /** The list that it is of, with its filters and order. */
  readonly list: string;
  /** The position that the list is read as of. */
  readonly asOf?: number;
  /** The last row's values in the columns of the order. */
  readonly key: readonly CursorKey[];
}

/** PostgreSQL's `integer` has no greater one, and asking for it is an error there. */
const maxInteger = 2_147_483_647;
const cursorSchema = z.tuple([
  z.string().max(16),
  z.union([z.int().min(0).max(maxInteger), z.null()]),
  z.array(z.union([z.string().max(1024), z.int().min(-1).max(maxInteger)])).max(4),
]);

/** Packs the place at which a page ended. Opaque to who gets it: only to be given back. */
export function encodeCursor({ list, asOf, key }: Cursor): string {
  return Buffer.from(JSON.stringify([list, asOf ?? null, key])).toString('base64url');
}

/** The position that a cursor's list is read as of, so that all pages are of the same moment. @throws Problem */
export function positionOf(cursor: string): number | undefined {
  return parse(cursor).asOf;
}

/**
 * The key at which to go on.
 * @throws Problem 422 with the pointer `/cursor` for one of another list, another moment, or none at all
 */
export function decodeCursor(
  cursor: string,
  expected: Omit<Cursor, 'key'> & { readonly table: Columns; readonly columns: readonly string[] },
): readonly CursorKey[] {
  const { list, asOf, key } = parse(cursor);
  if (list !== expected.list) throw notACursor('of another list: give the filters and the order that it came with');
  if (asOf !== expected.asOf) throw notACursor('of another moment: give the `asOf` that it came with');
  const fits = ({ length }: readonly CursorKey[]): boolean => length === expected.columns.length;
  const isOf = (column: string, value: CursorKey | undefined): boolean =>
    expected.table.numeric.has(column) === (typeof value === 'number') && !String(value).includes('\0');
  if (!fits(key) || !expected.columns.every((column, index) => isOf(column, key[index]))) throw notACursor();
  return key;
}

function parse(cursor: string): Cursor {
  const parsed = cursorSchema.safeParse(jsonOf(cursor));
  if (!parsed.success) throw notACursor();
  const [list, asOf, key] = parsed.data;
  return { list, key, ...(asOf === null ? {} : { asOf }) };
}

function notACursor(detail = 'not a cursor of this list'): Problem {
  const title = 'The request is not valid';
  return new Problem({ status: 422, code: 'invalid-request', title, errors: [{ pointer: '/cursor', detail }] });
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
