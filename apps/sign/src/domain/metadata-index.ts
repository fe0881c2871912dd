import type { EventData, MetadataFile } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { fileNameOf, roleOfFile, standardPolicy } from '#libs/tuf';

/** The one aggregate of the signed metadata. */
export const metadataStream = 'metadata.tuf';

type Ref = Pick<MetadataFile, 'digest' | 'sizeBytes'>;

interface Superseded {
  readonly name: string;
  readonly digest: string;
  readonly atMs: number;
}

/** What of the signed metadata is published, folded from the log: names and digests, and the versions that anybody may have seen. */
export class MetadataIndex {
  readonly #files = new Map<string, Ref>();
  readonly #floor = new Map<string, number>();
  readonly #bundleIds = new Set<string>();
  #superseded: Superseded[] = [];
  #pruned: readonly { readonly digest: string }[] = [];
  #recalls: Ref | undefined;
  #revision = 0;
  #publishedMs = Number.NEGATIVE_INFINITY;

  /** The stream's revision: what the next publication is decided on. */
  get revision(): number {
    return this.#revision;
  }

  /** The highest version of each role that was ever published. */
  get floor(): ReadonlyMap<string, number> {
    return this.#floor;
  }

  /** When the last timestamp was published. */
  get publishedMs(): number {
    return this.#publishedMs;
  }

  /** The list of recalls that is vouched for; undefined before the first. */
  get recalls(): Ref | undefined {
    return this.#recalls;
  }

  /** What the last pruning named: a crash may have left some of their blobs. */
  get pruned(): readonly { readonly digest: string }[] {
    return this.#pruned;
  }

  file(name: string): Ref | undefined {
    return this.#files.get(name);
  }

  /** The newest file of a role, by its name. */
  newest(role: string): (Ref & { readonly name: string }) | undefined {
    const version = this.#floor.get(role);
    const name = role === 'timestamp' ? 'timestamp.json' : fileNameOf(role, version);
    const ref = version === undefined ? undefined : this.#files.get(name);
    return ref === undefined ? undefined : { name, ...ref };
  }

  /** Files of the newest state, and all roots. */
  current(): MetadataFile[] {
    const old = new Set(this.#superseded.map(({ name, digest }) => `${name} ${digest}`));
    return [...this.#files]
      .map(([name, ref]) => ({ name, ...ref }))
      .filter(({ name, digest }) => !old.has(`${name} ${digest}`));
  }

  isVouchedFor(bundleId: string): boolean {
    return this.#bundleIds.has(bundleId);
  }

  /** What was superseded before a time, at most `limit`. */
  supersededBefore(timeMs: number, limit: number): readonly Superseded[] {
    return this.#superseded.filter(({ atMs }) => atMs < timeMs).slice(0, limit);
  }

  apply({ fact, position }: RecordedEvent): void {
    if (fact.type === 'RootPublished') this.#add(fact.data.file, Number.POSITIVE_INFINITY);
    else if (fact.type === 'MetadataPublished') this.#publish(fact.data);
    else if (fact.type === 'MetadataPruned') this.#prune(fact.data);
    else return;
    this.#revision = position;
  }

  #publish(data: EventData<'MetadataPublished'>): void {
    // By the clock that clients go by: the one that the timestamp was made for.
    const atMs = Date.parse(data.expiresAt) - standardPolicy.timestamp.lifetimeSec * 1000;
    for (const file of data.files) this.#add(file, atMs);
    this.#floor.set('timestamp', Math.max(data.timestamp, this.#floor.get('timestamp') ?? 0));
    this.#publishedMs = atMs;
    for (const id of data.bundleIds ?? []) this.#bundleIds.add(id);
    if (data.recalls === undefined) return;
    if (this.#recalls !== undefined)
      this.#superseded.push({ name: 'recalls.json', digest: this.#recalls.digest, atMs });
    this.#recalls = data.recalls;
  }

  #add({ name, digest, sizeBytes }: MetadataFile, atMs: number): void {
    const of = roleOfFile(name);
    if (of === undefined) return;
    const before = this.newest(of.role);
    // Every root stays: a client from the first day walks them all.
    if (of.role !== 'root' && before !== undefined && before.digest !== digest) {
      this.#superseded.push({ name: before.name, digest: before.digest, atMs });
    }
    this.#files.set(name, { digest, sizeBytes });
    if (of.version !== undefined) this.#floor.set(of.role, Math.max(of.version, this.#floor.get(of.role) ?? 0));
  }

  #prune({ files }: EventData<'MetadataPruned'>): void {
    const gone = new Set(files.map(({ name, digest }) => `${name} ${digest}`));
    for (const { name, digest } of files) if (this.#files.get(name)?.digest === digest) this.#files.delete(name);
    this.#superseded = this.#superseded.filter(({ name, digest }) => !gone.has(`${name} ${digest}`));
    this.#pruned = files;
  }
}
