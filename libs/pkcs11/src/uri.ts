import { z } from 'zod';
import { TokenError } from './errors.js';

const text = z.string().regex(/^[\x20-\x7e]{1,128}$/);
const path = z.string().regex(/^\/[\x21-\x7e]{1,1023}$/);
const referenceSchema = z.object({
  token: text,
  /** Of the key pair, percent-encoded bytes. pkcs11-tool looks private keys up by nothing else. */
  id: z.string().min(1).max(64),
  'module-path': path,
  /** A file with the PIN. */
  'pin-source': path.optional(),
});

/** Where a key is: RFC 7512. */
export interface KeyReference {
  readonly token: string;
  /** Of the key pair, hex. */
  readonly id: string;
  readonly modulePath: string;
  readonly pinFile: string | undefined;
}

/**
 * Reads `pkcs11:token=T;id=%01?module-path=/usr/lib/…/x.so&pin-source=/etc/…/pin`. A PIN itself (`pin-value`) is refused: URIs are shown.
 * @throws TokenError `malformed-uri`.
 */
export function parseKeyUri(uri: string): KeyReference {
  const [, attributes = '', query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/s.exec(uri.trim()) ?? [];
  const pairs = [...attributes.split(';'), ...query.split('&')].filter((pair) => pair !== '');
  const given = new Map(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [name, decoded(value.join('='))] as const;
    }),
  );
  if (given.has('pin-value')) throw malformed('a PIN has no place in a URI: name its file as pin-source');
  const parsed = referenceSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  const { token, id, 'module-path': modulePath, 'pin-source': pinFile } = parsed.data;
  return { token, id: Buffer.from(id, 'latin1').toString('hex'), modulePath, pinFile: pinFile?.replace(/^file:/, '') };
}

/** Bytes and not characters: an id is any bytes. */
function decoded(value: string): string {
  return value.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function malformed(message: string): TokenError {
  return new TokenError('malformed-uri', message);
}
