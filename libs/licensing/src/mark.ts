import { createHmac } from 'node:crypto';
import type { Mark } from '#libs/contracts';

/** What a mark stands for: the same text marked as two kinds gives two marks. */
export type MarkKind = 'organisation' | 'hardware' | 'request';

/**
 * The mark of an identifier that the service must recognise but not keep. Names of few possible values (serial numbers,
 * organisations) could be found from a plain digest by trying all; with the pepper only the service can try.
 * @param pepper at least 32 random bytes, which never leave the service
 */
export function markOf(pepper: Uint8Array, kind: MarkKind, identifier: string): Mark {
  if (pepper.length < 32) throw new RangeError('a pepper has at least 32 bytes');
  return createHmac('sha256', pepper).update(`${kind}\0${identifier}`).digest('base64url');
}

/** An organisation's name or domain without what people spell differently: case, spaces at the ends, and doubled spaces. */
export function organisationName(text: string): string {
  return text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}
