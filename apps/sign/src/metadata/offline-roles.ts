import { Injectable, Logger } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { digestOf } from '#libs/contracts';
import { Clock } from '#libs/service';
import {
  type Allowance,
  Fetcher,
  fileNameOf,
  initialise,
  makeRoot,
  makeTopTargets,
  MemoryStore,
  type OfflineRole,
  offlineRoleOf,
  type Repository,
  rotateRoot,
  standardPolicy,
  TufError,
  update,
} from '#libs/tuf';
import { CeremonyFolder, type LocalHolders } from '../adapters/ceremony-folder.js';
import type { LogFiles } from '../adapters/log-files.js';
import { MetadataSigners } from '../ports.js';
import { LiveTrust } from '../projections/live-trust.js';
import { PublicTrust } from '../public-trust.js';
import { byItself, type Cause, Publications } from './publications.js';

/** A file that was taken. */
export interface Accepted {
  readonly role: OfflineRole;
  readonly version: number;
  readonly expiresAt: string;
  /** It was published before; its bytes are there again if they were lost. */
  readonly known: boolean;
}

interface Handed {
  readonly name: string;
  readonly role: OfflineRole;
  readonly version: number;
  readonly expiresMs: number;
  readonly bytes: Buffer;
}

/** Takes what was signed offline, and never uses it before every client would accept it. */
@Injectable()
export class OfflineRoles {
  private readonly log = new Logger(OfflineRoles.name);

  constructor(
    private readonly publications: Publications,
    private readonly live: LiveTrust,
    private readonly blobs: BlobStore,
    private readonly ceremony: CeremonyFolder,
    private readonly signers: MetadataSigners,
    private readonly trust: PublicTrust,
    private readonly clock: Clock,
  ) {}

  /**
   * Publishes roots and top-level targets from a ceremony, all or none: a root that changes the keys of targets needs the targets that
   * they signed with it.
   * @throws TufError with the code with which clients would refuse them.
   */
  async accept(files: readonly Buffer[], cause: Cause): Promise<readonly Accepted[]> {
    const handed = files.map(described).sort((a, b) => order(a) - order(b));
    const isKnown = ({ name, bytes }: Handed): boolean => this.live.metadata.file(name)?.digest === digestOf(bytes);
    await this.live.caughtUp();
    const known = handed.filter(isKnown);
    const fresh = handed.filter((one) => !isKnown(one));
    for (const { bytes } of known) await this.blobs.put(bytes);
    if (fresh.length > 0) {
      await this.publications.publish(cause, async (repository, log) => {
        for (const one of fresh) await this.hand(repository, one);
        await this.complete(
          repository,
          log,
          fresh.some(({ role }) => role === 'targets'),
        );
        return undefined;
      });
    }
    for (const { name, bytes } of handed) await this.kept(name, bytes);
    return handed.map((one) => ({
      role: one.role,
      version: one.version,
      expiresAt: new Date(one.expiresMs).toISOString(),
      known: known.includes(one),
    }));
  }

  /** Brings files back whose blobs are gone, from the copies that were kept. */
  async restore(): Promise<void> {
    const { metadata } = this.live;
    for (const { name, digest } of metadata.current()) {
      if (!/^\d+\.(?:root|targets)\.json$/.test(name) || (await this.blobs.stat(digest)) !== undefined) continue;
      const copy = await this.ceremony.find(name);
      if (copy !== undefined && digestOf(copy) === digest) await this.blobs.put(copy, { expected: digest });
      else this.log.error(`${name} is lost: hand in the ceremony's copy again with \`splicectl tuf publish\``);
    }
  }

  /**
   * Where the ceremony is held on this machine: makes the offline roles, signs them again before they end, and lets them name further
   * channels. Does nothing where it is held elsewhere, or once the root belongs to others.
   */
  async holdHere(channels: readonly string[] = []): Promise<void> {
    if (!this.ceremony.isHere) return;
    const isFirst = this.live.metadata.newest('root') === undefined;
    const made: [name: string, bytes: Buffer][] = [];
    await this.publications.publish(byItself, async (repository, log) => {
      made.length = 0;
      const nowMs = this.clock.now().getTime();
      const due = { root: this.isRootDue(repository, nowMs), targets: this.areTargetsDue(repository, channels, nowMs) };
      if (!due.root && !due.targets) return undefined;
      // Opened for what they sign and for nothing else: eight sealed keys take most of a second, and no bundle waits for that.
      const local = await this.ceremony.holders(isFirst);
      if (local === undefined) return undefined;
      if (repository.root !== undefined && !belongsTo(repository.root.roles.root.keyIds, local)) return undefined;
      const root = due.root ? await this.nextRoot(repository, log, local, nowMs) : undefined;
      if (root !== undefined) {
        await repository.publishRoot(root, nowMs);
        made.push([fileNameOf('root', repository.root?.version), root]);
      }
      const targets = due.targets ? await this.nextTargets(repository, log, local, channels, nowMs) : undefined;
      if (targets !== undefined) {
        await repository.publishTopTargets(targets, nowMs);
        made.push([fileNameOf('targets', repository.topTargets?.version), targets]);
      }
      if (made.length > 0) await this.complete(repository, log, targets !== undefined);
      return undefined;
    });
    for (const [name, bytes] of made) await this.kept(name, bytes);
    if (made.some(([name]) => name === '1.root.json')) this.warnOfKeysHere();
  }

  private warnOfKeysHere(): void {
    this.log.warn(
      `THE OFFLINE KEYS WERE MADE HERE, in ${this.ceremony.path}/keys: whoever gets into this machine can sign anything for every ` +
        'agent. That is for trying out. For anything else hand over to holders with `splicectl tuf rotate` and delete them ' +
        '(docs/operations.md), or begin with SPLICECAST_CEREMONY=elsewhere.',
    );
  }

  private async hand(repository: Repository, { role, bytes }: Handed): Promise<void> {
    const nowMs = this.clock.now().getTime();
    if (role === 'root') await repository.publishRoot(bytes, nowMs);
    else await repository.publishTopTargets(bytes, nowMs);
  }

  /** A new root shows at once, so what it governs must stand under it at once. Then the whole is tried as a client will try it. */
  private async complete(repository: Repository, log: LogFiles, hasTargets: boolean): Promise<void> {
    if (repository.topTargets === undefined) return;
    const nowMs = this.clock.now().getTime();
    if (!hasTargets) await repository.renew(nowMs, 'none');
    const first = await log.read('1.root.json');
    if (first === undefined) throw new TufError('withheld', 'the first root is lost: hand in its copy again');
    const store = new MemoryStore();
    await initialise(store, first);
    const fetcher = new OwnFiles(log);
    await update({ store, metadata: fetcher, targets: fetcher }, nowMs);
  }

  private isRootDue({ root }: Repository, nowMs: number): boolean {
    if (root === undefined) return true;
    const { snapshot, timestamp } = this.signers;
    const isAsHeld = sameIds(root.roles.snapshot.keyIds, snapshot) && sameIds(root.roles.timestamp.keyIds, timestamp);
    return !isAsHeld || isDue(root.expiresMs, standardPolicy.root.lifetimeSec, nowMs);
  }

  private async nextRoot(
    { root }: Repository,
    log: LogFiles,
    local: LocalHolders,
    nowMs: number,
  ): Promise<Buffer | undefined> {
    const { snapshot, timestamp } = this.signers;
    const holders = { ...local, snapshot, timestamp };
    if (root === undefined) return makeRoot(1, holders, local.root, standardPolicy, nowMs);
    const before = await log.read(fileNameOf('root', root.version));
    return before === undefined ? undefined : rotateRoot(before, holders, local.root, standardPolicy, nowMs);
  }

  private areTargetsDue(repository: Repository, channels: readonly string[], nowMs: number): boolean {
    const { topTargets } = repository;
    if (topTargets === undefined) return true;
    const named = repository.channels();
    const { channel, recall } = this.signers;
    const isAsHeld = topTargets.delegations?.roles.every(({ name, keyIds }) =>
      sameIds(keyIds, named.includes(name) ? channel : recall),
    );
    const hasAll = channels.every((one) => named.includes(one));
    return isAsHeld !== true || !hasAll || isDue(topTargets.expiresMs, standardPolicy.targets.lifetimeSec, nowMs);
  }

  private async nextTargets(
    repository: Repository,
    log: LogFiles,
    local: LocalHolders,
    channels: readonly string[],
    nowMs: number,
  ): Promise<Buffer | undefined> {
    const all = [...new Set([...repository.channels(), ...channels])];
    const { channel, recall } = this.signers;
    const last = this.live.metadata.newest('targets');
    const before = last === undefined ? undefined : await log.read(last.name);
    if (last !== undefined && before === undefined) return undefined;
    return makeTopTargets(before, all, { channel, recall }, local.targets, standardPolicy, nowMs);
  }

  private async kept(name: string, bytes: Buffer): Promise<void> {
    await this.ceremony.keep(name, bytes);
    if (name === '1.root.json') await this.trust.write(bytes);
  }
}

/** The repository's own files, as a mirror would serve them. */
class OwnFiles extends Fetcher {
  constructor(private readonly files: LogFiles) {
    super();
  }

  override async fetch(name: string, { maxBytes }: Allowance): Promise<Buffer | undefined> {
    const bytes = await this.files.read(name);
    return bytes === undefined || bytes.length > maxBytes ? undefined : Buffer.from(bytes);
  }
}

function described(bytes: Buffer): Handed {
  const { type, version, expiresMs } = offlineRoleOf(bytes);
  return { name: fileNameOf(type, version), role: type, version, expiresMs, bytes };
}

/** Roots by version, then targets: each is judged by what comes before it. */
function order({ role, version }: Handed): number {
  return role === 'root' ? version : Number.MAX_SAFE_INTEGER / 2 + version;
}

function belongsTo(keyIds: readonly string[], { root }: LocalHolders): boolean {
  return root.filter(({ keyId }) => keyIds.includes(keyId)).length >= standardPolicy.root.threshold;
}

function sameIds(keyIds: readonly string[], signers: readonly { readonly keyId: string }[]): boolean {
  return keyIds.length === signers.length && signers.every(({ keyId }) => keyIds.includes(keyId));
}

function isDue(expiresMs: number, lifetimeSec: number, nowMs: number): boolean {
  return expiresMs - nowMs < lifetimeSec * 1000 * standardPolicy.renewBelow;
}
