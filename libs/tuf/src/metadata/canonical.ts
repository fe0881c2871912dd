import { TufError } from '../errors.js';
import type { Json } from './json.js';

const needsEscape = /["\\]/g;
/** Alone it has no UTF-8: two different strings would get the same bytes, hence the same signature. */
const loneSurrogate = /\p{Surrogate}/u;
const anySurrogate = /[\ud800-\udfff]/;

/**
 * OLPC canonical JSON, which is what TUF signs: no white space, members in code-point order, strings escaped in `"` and `\` only,
 * integers only. Linear in the size of the value.
 * @throws TufError `malformed-metadata` for what has no canonical form.
 */
export function canonicalBytes(value: Json): Buffer {
  const parts: string[] = [];
  write(value, parts);
  return Buffer.from(parts.join(''), 'utf8');
}

function write(value: Json, parts: string[]): void {
  if (value === null || typeof value === 'boolean') parts.push(String(value));
  else if (typeof value === 'string') parts.push(quoted(value));
  else if (typeof value === 'number') parts.push(integer(value));
  else if (Array.isArray(value)) writeArray(value, parts);
  else writeObject(value as { readonly [name: string]: Json }, parts);
}

function writeArray(values: readonly Json[], parts: string[]): void {
  parts.push('[');
  values.forEach((value, index) => {
    if (index > 0) parts.push(',');
    write(value, parts);
  });
  parts.push(']');
}

function writeObject(object: { readonly [name: string]: Json }, parts: string[]): void {
  parts.push('{');
  namesInOrder(object).forEach((name, index) => {
    parts.push(index > 0 ? ',' : '', quoted(name), ':');
    write(object[name] ?? null, parts);
  });
  parts.push('}');
}

/** JavaScript sorts by UTF-16 unit, which is code-point order until a surrogate appears; UTF-8 bytes are always in that order. */
function namesInOrder(object: { readonly [name: string]: Json }): string[] {
  const names = Object.keys(object);
  if (!names.some((name) => anySurrogate.test(name))) return names.sort();
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function quoted(text: string): string {
  if (loneSurrogate.test(text)) throw new TufError('malformed-metadata', 'a string is not Unicode');
  return `"${text.replace(needsEscape, String.raw`\$&`)}"`;
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TufError('malformed-metadata', `${value} has no canonical form`);
  return String(value);
}

/**
 * A file's bytes: the canonical form, which is also the shortest, as JSON that can be read back. The canonical form has line breaks in strings as they
 * are, those of a PEM key for one, and JSON has not.
 */
export function fileBytes(value: Json): Buffer {
  const text = canonicalBytes(value).toString('utf8');
  // Outside of strings it has no white space.
  return Buffer.from(
    text.replace(/[^ -\uffff]/g, (control) => JSON.stringify(control).slice(1, -1)),
    'utf8',
  );
}
