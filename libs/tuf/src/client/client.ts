import { TufError } from '../errors.js';
import { parseEnvelope } from '../metadata/envelope.js';
import { targetFileName } from '../metadata/names.js';
import type { TargetFile } from '../metadata/roles.js';
import type { MetadataStore } from '../store/store.js';
import { knownHashes, matches } from './checks.js';
import type { Fetcher } from './fetcher.js';
import { type ClientLimits, standardLimits } from './limits.js';
import { loadTrustedRoot, updateRoot } from './root-chain.js';
import type { Session, Trusted } from './session.js';
import { updateSnapshot } from './snapshot.js';
import { findTarget, updateTargets } from './targets.js';
import { updateTimestamp } from './timestamp.js';

export interface ClientParts {
  readonly store: MetadataStore;
  /** Of the metadata, and of the targets. */
  readonly metadata: Fetcher;
  readonly targets: Fetcher;
  readonly limits?: ClientLimits;
}

/** One update: what was trusted at its beginning's time, and what can be had under it. */
export interface Update {
  readonly trusted: Trusted;
  /**
   * 5.6.7: what the roles say of a target.
   * @throws TufError.
   */
  find(path: string): Promise<TargetFile>;
  /**
   * 5.7: a target's bytes, verified.
   * @throws TufError.
   */
  download(path: string): Promise<Buffer>;
}

/**
 * Gives the client the root that it shall trust, which came by a way that is trusted already (with the program). Nothing is fetched.
 * A store that has a root keeps its own: it may be newer, and was reached from one like this.
 * @throws TufError `malformed-metadata`, `wrong-role` if this is no root.
 */
export async function initialise(store: MetadataStore, root: Uint8Array): Promise<void> {
  parseEnvelope('root', root);
  if ((await store.read('root')) === undefined) await store.write('root', root);
}

/**
 * Brings the trusted metadata up to date: the specification's client workflow (section 5), in its order. Whatever fails leaves
 * behind what was verified before it, and the next update begins from there.
 * @param nowMs when the update began (5.1): the same for every expiry in it.
 * @throws TufError, with the code of the attack that the failure would be.
 */
export async function update(parts: ClientParts, nowMs: number): Promise<Update> {
  const session: Session = { ...parts, limits: parts.limits ?? standardLimits, nowMs };
  const pinned = await loadTrustedRoot(session); // 5.2
  const root = await updateRoot(session, pinned); // 5.3
  const timestamp = await updateTimestamp(session, root); // 5.4
  const snapshot = await updateSnapshot(session, root, timestamp); // 5.5
  const targets = await updateTargets(session, root, snapshot); // 5.6
  const trusted = { root, timestamp, snapshot, targets };
  const find = (path: string): Promise<TargetFile> => findTarget(session, trusted, path); // 5.6.7
  return {
    trusted,
    find,
    download: async (path) => fetchTarget(parts.targets, path, await find(path), root.consistentSnapshot), // 5.7
  };
}

/** 5.7.3: the bytes that the role vouches for, or none. */
async function fetchTarget(targets: Fetcher, path: string, file: TargetFile, consistent: boolean): Promise<Buffer> {
  const [digest] = knownHashes(file.hashes);
  if (digest === undefined) throw new TufError('unsupported-hash', `${path} has no digest that is known here`);
  const name = targetFileName(path, consistent ? digest[1] : undefined);
  const bytes = await targets.fetch(name, { maxBytes: file.length });
  if (bytes === undefined) throw new TufError('withheld', `the mirror has no ${name}, which its role vouches for`);
  verifyTarget(path, bytes, file);
  return bytes;
}

/**
 * Whether bytes, from wherever, are the target: a copy in a cache, a file on a stick.
 * @throws TufError `wrong-target`.
 */
export function verifyTarget(path: string, bytes: Uint8Array, { length, hashes }: TargetFile): void {
  if (bytes.length !== length || !matches(bytes, hashes)) {
    throw new TufError('wrong-target', `${path} is not the file that its role vouches for`);
  }
}
