import { TufError } from '../errors.js';
import type { PublicKey } from '../keys/key.js';
import { verifySignatures } from '../keys/threshold.js';
import { type Envelope, parseEnvelope } from '../metadata/envelope.js';
import { asObject, type JsonObject, parseJson } from '../metadata/json.js';
import { fileNameOf } from '../metadata/names.js';
import type { RoleKeys, Root, Snapshot, Targets, Timestamp } from '../metadata/roles.js';
import { acceptRoot, verifyTopTargets } from './accept.js';
import type { RepositoryFiles } from './files.js';

/** Whose signatures count for a role. */
export interface Authority {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly role: RoleKeys;
}

/** A delegated role as it was last published. */
export interface PublishedRole {
  readonly version: number;
  readonly expiresMs: number;
  readonly targets: JsonObject;
  readonly delegations: Targets['delegations'];
}

/**
 * Reads back what was published. What is read is signed again as part of what comes next, so nothing is believed for lying in the
 * store: **a file that somebody put there would get the service's signatures**. What is gone, damaged or not signed by whom it should
 * be is `undefined`, and made again.
 */
export class PublishedFiles {
  constructor(private readonly files: RepositoryFiles) {}

  /** The newest root, from the first on. */
  async root(): Promise<Root | undefined> {
    let root: Root | undefined;
    for (let version = 1; ; version++) {
      const bytes = await this.files.read(fileNameOf('root', version));
      if (bytes === undefined) return root;
      // That a root has expired is for clients to mind: the one that follows still stands on it.
      root = acceptRoot(root, bytes, Number.NEGATIVE_INFINITY);
    }
  }

  async timestamp(root: Root): Promise<Timestamp | undefined> {
    const bytes = await this.files.read('timestamp.json');
    return (await this.#verified('timestamp', bytes, { keys: root.keys, role: root.roles.timestamp }))?.role;
  }

  async snapshot(root: Root, version: number): Promise<Envelope<Snapshot> | undefined> {
    const bytes = await this.files.read(fileNameOf('snapshot', version));
    return this.#verified('snapshot', bytes, { keys: root.keys, role: root.roles.snapshot });
  }

  async topTargets(root: Root, version: number): Promise<Targets | undefined> {
    const bytes = await this.files.read(fileNameOf('targets', version));
    if (bytes === undefined) return undefined;
    try {
      return verifyTopTargets(root, bytes);
    } catch (cause) {
      return ifTuf(cause);
    }
  }

  async delegated(name: string, version: number, authority: Authority): Promise<PublishedRole | undefined> {
    const bytes = await this.files.read(fileNameOf(name, version));
    const envelope = await this.#verified('targets', bytes, authority);
    if (bytes === undefined || envelope?.role.version !== version) return undefined;
    const { expiresMs, delegations } = envelope.role;
    const targets = asObject(asObject(parseJson(bytes)['signed'], 'signed')['targets'], 'targets');
    return { version, expiresMs, targets, delegations };
  }

  async #verified<K extends 'timestamp' | 'snapshot' | 'targets'>(
    type: K,
    bytes: Uint8Array | undefined,
    { keys, role }: Authority,
  ): Promise<ReturnType<typeof parseEnvelope<K>> | undefined> {
    if (bytes === undefined) return undefined;
    try {
      const envelope = parseEnvelope(type, bytes);
      verifySignatures(type, envelope, role, keys);
      return envelope;
    } catch (cause) {
      return ifTuf(cause);
    }
  }
}

function ifTuf(cause: unknown): undefined {
  if (cause instanceof TufError) return undefined;
  throw cause;
}
