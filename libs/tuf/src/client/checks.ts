// The checks that several steps of the workflow share, each named by the attack that it stops.
import { createHash } from 'node:crypto';
import { TufError } from '../errors.js';
import type { Hashes, MetaFile, Role } from '../metadata/roles.js';

const algorithms = new Set(['sha256', 'sha512']);

/** Freeze: whoever can't show anything newer can't pass off the old for ever. */
export function refuseExpired(name: string, { expiresMs }: Role, nowMs: number): void {
  if (expiresMs > nowMs) return;
  throw new TufError(
    'freeze',
    `${name} expired at ${new Date(expiresMs).toISOString()}: nothing newer is being served`,
  );
}

/** Rollback: a version once seen is the least that will be trusted. */
export function refuseOlder(name: string, found: number, trusted: number): void {
  if (found >= trusted) return;
  throw new TufError('rollback', `${name} is of version ${found}, and ${trusted} was already trusted`);
}

/** Mix-and-match: a file belongs to the state that names it, or is not looked at. */
export function refuseOtherFile(name: string, bytes: Uint8Array, { length, hashes }: MetaFile): void {
  if (length !== undefined && bytes.length !== length) {
    throw new TufError(
      'mix-and-match',
      `${name} has ${bytes.length} bytes instead of the ${length} that were announced`,
    );
  }
  if (hashes !== undefined && !matches(bytes, hashes)) {
    throw new TufError('mix-and-match', `${name} is not the file that was announced`);
  }
}

export function refuseOtherVersion(name: string, found: number, announced: number): void {
  if (found === announced) return;
  throw new TufError('mix-and-match', `${name} is of version ${found} instead of ${announced}, which was announced`);
}

/** Whether every digest that can be computed here is right, and at least one can. */
export function matches(bytes: Uint8Array, hashes: Hashes): boolean {
  const known = knownHashes(hashes);
  return (
    known.length > 0 &&
    known.every(([algorithm, digest]) => createHash(algorithm).update(bytes).digest('hex') === digest)
  );
}

/** Those of the digests that can be computed here, strongest wish first. */
export function knownHashes(hashes: Hashes): [string, string][] {
  return [...hashes].filter(([algorithm, digest]) => algorithms.has(algorithm) && /^[0-9a-f]+$/.test(digest));
}
