import { TufError } from '../errors.js';
import type { Json, JsonObject } from '../metadata/json.js';
import { fileNameOf } from '../metadata/names.js';
import type { Root } from '../metadata/roles.js';
import { freeVersion } from './delegated-roles.js';
import type { RepositoryFiles } from './files.js';
import type { OnlineKeys } from './online-keys.js';
import { isDue, type Policy } from './policy.js';
import { describe, signedPart, signStatement } from './sign.js';
import type { RepositoryState, SnapshotEntry } from './state.js';

/** What lets changes be seen: a snapshot that names them, and then the timestamp that names it. Until the last is written, nobody sees any. */
export class Publication {
  constructor(
    private readonly files: RepositoryFiles,
    private readonly keys: OnlineKeys,
    private readonly policy: Policy,
  ) {}

  /**
   * Writes the snapshot, where anything in it changes or it is due, and a timestamp in any case.
   * @returns where the repository stands once both are written.
   * @throws TufError `unknown-role` before the first root.
   */
  async publish(
    state: RepositoryState,
    changes: ReadonlyMap<string, SnapshotEntry>,
    nowMs: number,
  ): Promise<RepositoryState> {
    const { root } = state;
    if (root === undefined)
      throw new TufError('unknown-role', 'there is no root yet, under which anything could be published');
    const meta = new Map([...state.meta, ...changes]);
    const lasting = changes.size > 0 ? undefined : this.#lasting(state, root, nowMs);
    const snapshot = lasting ?? (await this.#write(state, root, meta, nowMs));
    const version = state.timestampVersion + 1;
    const stamp: Json = { 'snapshot.json': { version: snapshot.version, ...snapshot.file } };
    const expiresMs = nowMs + this.policy.timestamp.lifetimeSec * 1000;
    const signed = signedPart({ type: 'timestamp', version, expiresMs, content: { meta: stamp } });
    const signers = this.keys.signing('timestamp', root.roles.timestamp);
    await this.files.write('timestamp.json', await signStatement(signed, signers, root.roles.timestamp.threshold));
    return { ...state, meta, snapshot, snapshotVersion: snapshot.version, timestampVersion: version };
  }

  /** The last snapshot, as long as it is good: every machine fetches each new one, and the hourly timestamp alone is no reason for one. */
  #lasting({ snapshot }: RepositoryState, root: Root, nowMs: number): RepositoryState['snapshot'] {
    if (snapshot === undefined || isDue(snapshot.expiresMs, this.policy.snapshot, this.policy, nowMs)) return undefined;
    const signers = this.keys.signing('snapshot', root.roles.snapshot);
    return signers.every(({ keyId }) => snapshot.keyIds.includes(keyId)) ? snapshot : undefined;
  }

  async #write(
    state: RepositoryState,
    root: Root,
    meta: ReadonlyMap<string, SnapshotEntry>,
    nowMs: number,
  ): Promise<NonNullable<RepositoryState['snapshot']>> {
    const signers = this.keys.signing('snapshot', root.roles.snapshot);
    const version = await freeVersion(this.files, 'snapshot', state.snapshotVersion + 1);
    const content = { meta: Object.fromEntries(meta) as JsonObject };
    const expiresMs = nowMs + this.policy.snapshot.lifetimeSec * 1000;
    const signed = signedPart({ type: 'snapshot', version, expiresMs, content });
    const bytes = await signStatement(signed, signers, root.roles.snapshot.threshold);
    await this.files.write(fileNameOf('snapshot', version), bytes);
    return { version, expiresMs, keyIds: signers.map(({ keyId }) => keyId), file: describe(bytes) };
  }
}
