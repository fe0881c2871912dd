import { TufError } from '../errors.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** TUF's own formats nest 8 deep. */
const maxDepth = 32;

/**
 * Reads JSON that somebody else wrote. The caller has bounded the bytes; here the depth is, before anything recurses over it.
 * @throws TufError `malformed-metadata`.
 */
export function parseJson(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    checkDepth(text);
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof TufError) throw cause;
    throw new TufError('malformed-metadata', 'the metadata is no JSON', { cause });
  }
  return asObject(value as Json, 'the metadata');
}

function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (inString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) throw malformed('the metadata nests too deeply');
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
}

export function malformed(message: string): TufError {
  return new TufError('malformed-metadata', message);
}

export function asObject(value: Json | undefined, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is no object`);
  return value as JsonObject;
}

/** An object's members, at most `limit`. A Map, so that no name ("__proto__") means anything to the language. */
export function asEntries(value: Json | undefined, what: string, limit: number): [string, Json][] {
  const entries = Object.entries(asObject(value, what));
  if (entries.length > limit) throw malformed(`${what} has more than ${limit} members`);
  return entries;
}

export function asArray(value: Json | undefined, what: string, limit: number): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(`${what} is no list`);
  if (value.length > limit) throw malformed(`${what} has more than ${limit} members`);
  return value as readonly Json[];
}

export function asString(value: Json | undefined, what: string, maxLength: number): string {
  if (typeof value !== 'string' || value.length > maxLength) {
    throw malformed(`${what} is no text of at most ${maxLength} characters`);
  }
  return value;
}

export function asInteger(value: Json | undefined, what: string, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw malformed(`${what} is no whole number of at least ${least}`);
  }
  return value;
}

export function asBoolean(value: Json | undefined, what: string): boolean {
  if (typeof value !== 'boolean') throw malformed(`${what} is neither true nor false`);
  return value;
}
