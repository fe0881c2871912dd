import { createPublicKey, type KeyObject } from 'node:crypto';

/** What a key of NATS stands for; the name of each begins with its letter. */
export type NkeyKind = 'operator' | 'account' | 'user';

/** First bytes, of which base32 makes the letters O, A and U (nats-io/nkeys, `strkey.go`). */
const prefixes: Readonly<Record<NkeyKind, number>> = { operator: 14 << 3, account: 0, user: 20 << 3 };
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** An Ed25519 public key as NATS names it: prefix, 32 bytes, CRC-16 (XMODEM, little endian), in base32 without padding. */
export function nkeyOf(kind: NkeyKind, key: KeyObject): string {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return nkeyOfPoint(kind, x);
}

/** The same for the key that a JWK's `x` (base64url) is. */
export function nkeyOfPoint(kind: NkeyKind, x: string): string {
  const point = Buffer.from(x, 'base64url');
  if (point.length !== 32) throw new TypeError('an Ed25519 public key has 32 bytes');
  const named = Buffer.concat([Buffer.of(prefixes[kind]), point]);
  const checksum = crc16(named);
  return base32(Buffer.concat([named, Buffer.of(checksum & 0xff, checksum >> 8)]));
}

/** CRC-16/XMODEM: polynomial 0x1021, from 0. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}

/** RFC 4648 § 6, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + alphabet[(value << (5 - bits)) & 31];
}
