import {
  bundleTargetName,
  channelOf,
  type KernelIdentity,
  recallListPath,
  recallListSchema,
  type TrustKeys,
} from '#libs/contracts';
import { HttpFetcher, initialise, MemoryStore, TufError, type Update, update } from '#libs/tuf';
import type { Violation } from './violation.js';

/** What a service that is killed may cause; everything else would be an attack, and is a violation. */
const passing: readonly string[] = ['unreachable', 'slow-retrieval'];

/** A client of the signed metadata that remembers what it has seen, as a machine does. */
export class MetadataClient {
  private readonly store = new MemoryStore();
  private last: Update | undefined;
  private seen = 0;
  private recalled = new Set<string>();

  constructor(
    private readonly feedUrl: string,
    private readonly trust: TrustKeys,
    private readonly violated: (violation: Violation) => void,
  ) {}

  /** Version of the timestamp that was trusted last. */
  get version(): number {
    return this.seen;
  }

  /** Whether the list of recalls that was trusted last has a bundle. */
  saysRecalled(bundleId: string): boolean {
    return this.recalled.has(bundleId);
  }

  /** Goes through the whole of the client's workflow. @returns whether it came to its end. */
  async refresh(): Promise<boolean> {
    const { root } = this.trust;
    if (root === undefined) return false;
    const metadata = new HttpFetcher(`${this.feedUrl}/tuf/metadata/`);
    const targets = new HttpFetcher(`${this.feedUrl}/tuf/targets/`);
    try {
      if ((await this.store.read('root')) === undefined) {
        const first = await metadata.fetch('1.root.json', { maxBytes: root.length });
        if (first === undefined) throw new TufError('withheld', 'there is no 1.root.json');
        await initialise(this.store, first);
      }
      const next = await update({ store: this.store, metadata, targets }, Date.now());
      const list = recallListSchema.parse(JSON.parse((await next.download(recallListPath)).toString('utf8')));
      this.judge(next, new Set(list.recalls.map(({ bundleId }) => bundleId)));
      return true;
    } catch (error) {
      if (error instanceof TufError && passing.includes(error.code)) return false;
      this.violated({ check: 'metadata', what: `a client refuses it: ${String(error)}` });
      return false;
    }
  }

  /** The digest under which a bundle's bytes are served; undefined if it isn't vouched for yet. */
  async targetOf(kernel: KernelIdentity, bundleId: string): Promise<string | undefined> {
    try {
      const file = await this.last?.find(`${channelOf(kernel)}/${kernel.release}/${bundleTargetName(bundleId)}`);
      return file?.hashes.get('sha256');
    } catch {
      return undefined;
    }
  }

  private judge(next: Update, recalled: ReadonlySet<string>): void {
    const { version } = next.trusted.timestamp;
    if (version < this.seen) {
      this.violated({ check: 'metadata', what: `timestamp ${version} after ${this.seen}` });
    }
    const forgotten = [...this.recalled].filter((one) => !recalled.has(one));
    if (forgotten.length > 0) this.violated({ check: 'metadata', what: 'recalls were taken back', context: forgotten });
    this.seen = version;
    this.last = next;
    this.recalled = new Set(recalled);
  }
}
