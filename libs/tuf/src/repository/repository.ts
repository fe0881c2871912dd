import { TufError } from '../errors.js';
import { parseEnvelope } from '../metadata/envelope.js';
import { asInteger, asObject, type Json, type JsonObject, parseJson } from '../metadata/json.js';
import { fileNameOf } from '../metadata/names.js';
import type { Signer } from '../keys/signer.js';
import type { RepositoryFiles } from './files.js';
import { checkComponent, delegationTo, keysOf, type NoticeRole, noticeRoles, policyOf, releaseRole } from './layout.js';
import type { Policy, RolePolicy } from './policy.js';
import { describe, signedPart, signStatement } from './sign.js';

/** The keys that the service holds. */
export interface OnlineSigners {
  readonly channel: readonly Signer[];
  readonly release: readonly Signer[];
  readonly recall: readonly Signer[];
  readonly snapshot: readonly Signer[];
  readonly timestamp: readonly Signer[];
}

/** A file that a role is to vouch for. */
export interface NewTarget {
  /** The last component of its path; `recall/` or `debian-amd64/6.1.0-54-amd64/` comes before it. */
  readonly name: string;
  readonly length: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A role as it was last published. */
interface Published {
  readonly version: number;
  readonly expiresMs: number;
  readonly targets: JsonObject;
  /** Of a channel: what it delegates to, and by which keys. */
  readonly releases: readonly string[];
  readonly releaseKeyIds: readonly string[];
}

type SnapshotEntry = { version: number; length?: number; hashes?: JsonObject };

/**
 * The online side of a repository: takes what the offline roles were signed as, and publishes releases, recalls, snapshots and
 * timestamps under them. What one publication costs doesn't follow from how much there is: it signs the roles that change, and the
 * snapshot, which has some 50 bytes for each release.
 *
 * One writer at a time. Files are written so that `timestamp.json` is last: until then, nobody sees any of it; a crash before leaves
 * files that nothing names, and whose versions are not used again.
 */
export class Repository {
  readonly #files: RepositoryFiles;
  readonly #signers: OnlineSigners;
  readonly #policy: Policy;
  #meta: Map<string, SnapshotEntry>;
  #snapshotVersion: number;
  #timestampVersion: number;

  private constructor(
    files: RepositoryFiles,
    signers: OnlineSigners,
    policy: Policy,
    state: { meta: Map<string, SnapshotEntry>; snapshotVersion: number; timestampVersion: number },
  ) {
    this.#files = files;
    this.#signers = signers;
    this.#policy = policy;
    this.#meta = state.meta;
    this.#snapshotVersion = state.snapshotVersion;
    this.#timestampVersion = state.timestampVersion;
  }

  /** Opens what was published; a repository without a timestamp is a new one. @throws TufError `malformed-metadata`. */
  static async open(files: RepositoryFiles, signers: OnlineSigners, policy: Policy): Promise<Repository> {
    const bytes = await files.read('timestamp.json');
    if (bytes === undefined) {
      return new Repository(files, signers, policy, { meta: new Map(), snapshotVersion: 0, timestampVersion: 0 });
    }
    const timestamp = parseEnvelope('timestamp', bytes).role;
    const snapshot = await readSigned(files, fileNameOf('snapshot', timestamp.snapshot.version));
    const meta = new Map(
      Object.entries(asObject(snapshot['meta'], 'meta')).map(([name, entry]) => [name, entry as SnapshotEntry]),
    );
    const state = { meta, snapshotVersion: timestamp.snapshot.version, timestampVersion: timestamp.version };
    return new Repository(files, signers, policy, state);
  }

  /** A root from a ceremony (`makeRoot`, `rotateRoot`): served from now on. What it changes shows at once. */
  async publishRoot(root: Uint8Array): Promise<void> {
    await this.#files.write(fileNameOf('root', parseEnvelope('root', root).role.version), root);
  }

  /**
   * The top-level targets from a ceremony (`makeTopTargets`), and with it every channel and notice role that it names for the first
   * time, empty.
   */
  async publishTopTargets(targets: Uint8Array, nowMs: number): Promise<void> {
    const { role } = parseEnvelope('targets', targets);
    await this.#files.write(fileNameOf('targets', role.version), targets);
    const changes = new Map<string, SnapshotEntry>([['targets.json', { version: role.version, ...describe(targets) }]]);
    for (const { name } of role.delegations?.roles ?? []) {
      if (!this.#meta.has(`${name}.json`)) await this.#writeRole(name, emptyRole, nowMs, changes);
    }
    await this.#publish(changes, nowMs);
  }

  /**
   * Lets a kernel release's role vouch for bundles. A release that is new is delegated to by its channel in the same publication; so
   * are all of the channel's, signed anew, where the keys are others than before.
   * @throws TufError `role-full`, `invalid-name`; `unknown-role` for a channel that the top-level targets don't name.
   */
  async addBundles(channel: string, release: string, bundles: readonly NewTarget[], nowMs: number): Promise<void> {
    const role = releaseRole(channel, release);
    const changes = new Map<string, SnapshotEntry>();
    const parent = await this.#read(channel);
    const isNew = !parent.releases.includes(role);
    const before = isNew ? emptyRole : await this.#read(role);
    const targets = { ...before.targets, ...targetsOf(role, bundles) };
    if (Object.keys(targets).length > this.#policy.maxTargetsPerRelease) {
      throw new TufError('role-full', `${role} may vouch for ${this.#policy.maxTargetsPerRelease} bundles and no more`);
    }
    const rekeyed = parent.releases.length > 0 && !sameKeys(parent.releaseKeyIds, this.#signers.release);
    if (rekeyed) await this.#writeRoles(parent.releases, nowMs, changes);
    if (isNew || rekeyed) {
      const releases = isNew ? [...parent.releases, role] : parent.releases;
      await this.#writeRole(channel, { ...parent, releases }, nowMs, changes);
    }
    await this.#writeRole(role, { ...before, targets }, nowMs, changes);
    await this.#publish(changes, nowMs);
  }

  /** Replaces what a notice role says: the newest list of recalls. @throws TufError `invalid-name`, `unknown-role`. */
  async setNotice(role: NoticeRole, notices: readonly NewTarget[], nowMs: number): Promise<void> {
    const changes = new Map<string, SnapshotEntry>();
    const before = await this.#read(role);
    await this.#writeRole(role, { ...before, targets: targetsOf(role, notices) }, nowMs, changes);
    await this.#publish(changes, nowMs);
  }

  /**
   * Signs again what is near its end, with nothing else changed, and in any case a new timestamp. To be called several times a day.
   * @param which `all` after a change of the online keys; `none` for the timestamp alone.
   * @returns the roles that were signed.
   */
  async renew(nowMs: number, which: 'due' | 'all' | 'none' = 'due'): Promise<string[]> {
    const changes = new Map<string, SnapshotEntry>();
    for (const role of which === 'none' ? [] : this.roles()) {
      const before = await this.#read(role);
      const dueMs = policyOf(role, this.#policy).lifetimeSec * 1000 * this.#policy.renewBelow;
      if (which === 'all' || before.expiresMs - nowMs < dueMs) await this.#writeRole(role, before, nowMs, changes);
    }
    await this.#publish(changes, nowMs);
    return [...changes.keys()].map((name) => name.replace(/\.json$/, ''));
  }

  /** The delegated roles that the snapshot names. */
  roles(): string[] {
    return [...this.#meta.keys()].map((name) => name.replace(/\.json$/, '')).filter((name) => name !== 'targets');
  }

  async #read(role: string): Promise<Published> {
    const entry = this.#meta.get(`${role}.json`);
    if (entry === undefined) throw new TufError('unknown-role', `there is no role ${role}`);
    const bytes = await this.#files.read(fileNameOf(role, entry.version));
    if (bytes === undefined) throw new TufError('withheld', `${role} is in the snapshot, and its file is gone`);
    const { version, expiresMs, delegations } = parseEnvelope('targets', bytes).role;
    return {
      version,
      expiresMs,
      targets: asObject(asObject(parseJson(bytes)['signed'], 'signed')['targets'], 'targets'),
      releases: delegations?.roles.map(({ name }) => name) ?? [],
      releaseKeyIds: [...(delegations?.keys.keys() ?? [])],
    };
  }

  async #writeRoles(roles: readonly string[], nowMs: number, changes: Map<string, SnapshotEntry>): Promise<void> {
    for (const role of roles) await this.#writeRole(role, await this.#read(role), nowMs, changes);
  }

  async #writeRole(role: string, before: Published, nowMs: number, changes: Map<string, SnapshotEntry>): Promise<void> {
    const { threshold, lifetimeSec } = policyOf(role, this.#policy);
    const version = await this.#freeVersion(role, before.version + 1);
    const { release } = this.#signers;
    const roles = before.releases.map((name) => delegationTo(name, release, this.#policy.release));
    const content = {
      targets: before.targets,
      ...(roles.length === 0 ? {} : { delegations: { keys: keysOf(release), roles } }),
    };
    const signed = signedPart({ type: 'targets', version, expiresMs: nowMs + lifetimeSec * 1000, content });
    const bytes = await signStatement(signed, this.#signersOf(role), threshold);
    await this.#files.write(fileNameOf(role, version), bytes);
    // A release's digest would be 90 bytes in the snapshot that every machine reads, for each of a thousand releases. Its version,
    // and a threshold that no stolen key reaches alone, have to do; docs/adr/0009 counts the bytes.
    changes.set(`${role}.json`, role.includes('/') ? { version } : { version, ...describe(bytes) });
  }

  /** A version that was written before a crash was signed, but never published: it must not come to stand for something else. */
  async #freeVersion(role: string, from: number): Promise<number> {
    let version = from;
    while ((await this.#files.read(fileNameOf(role, version))) !== undefined) version++;
    return version;
  }

  #signersOf(role: string): readonly Signer[] {
    if ((noticeRoles as readonly string[]).includes(role)) return this.#signers.recall;
    return role.includes('/') ? this.#signers.release : this.#signers.channel;
  }

  /** Snapshot, then timestamp; in memory only once both are written. */
  async #publish(changes: ReadonlyMap<string, SnapshotEntry>, nowMs: number): Promise<void> {
    const { snapshot, timestamp } = this.#policy;
    const expiry = ({ lifetimeSec }: RolePolicy): number => nowMs + lifetimeSec * 1000;
    const meta = new Map([...this.#meta, ...changes]);
    const version = await this.#freeVersion('snapshot', this.#snapshotVersion + 1);
    const content = { meta: Object.fromEntries(meta) as JsonObject };
    const signed = signedPart({ type: 'snapshot', version, expiresMs: expiry(snapshot), content });
    const bytes = await signStatement(signed, this.#signers.snapshot, snapshot.threshold);
    await this.#files.write(fileNameOf('snapshot', version), bytes);

    const stamp: Json = { 'snapshot.json': { version, ...describe(bytes) } };
    const statement = {
      type: 'timestamp' as const,
      version: this.#timestampVersion + 1,
      expiresMs: expiry(timestamp),
      content: { meta: stamp },
    };
    const stampBytes = await signStatement(signedPart(statement), this.#signers.timestamp, timestamp.threshold);
    await this.#files.write('timestamp.json', stampBytes);
    this.#meta = meta;
    this.#snapshotVersion = version;
    this.#timestampVersion = statement.version;
  }
}

const emptyRole: Published = { version: 0, expiresMs: 0, targets: {}, releases: [], releaseKeyIds: [] };

function sameKeys(keyIds: readonly string[], signers: readonly Signer[]): boolean {
  return keyIds.length === signers.length && signers.every(({ keyId }) => keyIds.includes(keyId));
}

function targetsOf(role: string, targets: readonly NewTarget[]): JsonObject {
  const entries = targets.map(({ name, length, sha256 }) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TufError('invalid-name', `${sha256} is no SHA-256`);
    return [`${role}/${checkComponent(name)}`, { length: asInteger(length, 'length', 0), hashes: { sha256 } }] as const;
  });
  return Object.fromEntries(entries);
}

async function readSigned(files: RepositoryFiles, name: string): Promise<JsonObject> {
  const bytes = await files.read(name);
  if (bytes === undefined) throw new TufError('withheld', `the repository has no ${name}`);
  return asObject(parseJson(bytes)['signed'], 'signed');
}
