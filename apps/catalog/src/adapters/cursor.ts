import { z } from 'zod';
import { Problem } from '#libs/service';

export type CursorKey = string | number;

const keySchema = z
  .array(z.union([z.string().max(128), z.int()]))
  .min(1)
  .max(4);

/** Packs the key of a page's last row. Opaque to who gets it: only to be given back. */
export function encodeCursor(key: readonly CursorKey[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws Problem 422 with the pointer `/cursor` */
export function decodeCursor(cursor: string, columns: number): readonly CursorKey[] {
  const key = keySchema.safeParse(jsonOf(cursor));
  if (key.success && key.data.length === columns) return key.data;
  throw new Problem({
    status: 422,
    code: 'invalid-request',
    title: 'The request is not valid',
    errors: [{ pointer: '/cursor', detail: 'not a cursor of this list' }],
  });
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
