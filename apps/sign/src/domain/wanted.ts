import { channelOf, type EventData, type KernelIdentity, type RecallList } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';

/** A signed bundle that the metadata shall vouch for. */
export interface WantedBundle {
  readonly bundleId: string;
  readonly channel: string;
  readonly release: string;
  readonly artefact: string;
  readonly sizeBytes: number;
  /** Digest of the general JWS. */
  readonly signature: string;
}

/** What the log wants the signed metadata to say: each signed bundle, and each recall. */
export class Wanted {
  readonly #kernels = new Map<string, KernelIdentity>();
  readonly #assembled = new Map<string, EventData<'BundleAssembled'>>();
  readonly #bundles = new Map<string, WantedBundle>();
  readonly #recalls = new Map<string, RecallList['recalls'][number]>();

  /** Oldest first. */
  bundles(): IterableIterator<WantedBundle> {
    return this.#bundles.values();
  }

  bundle(bundleId: string): WantedBundle | undefined {
    return this.#bundles.get(bundleId);
  }

  /** Oldest first. */
  get recalls(): RecallList['recalls'] {
    return [...this.#recalls.values()];
  }

  isRecalled(bundleId: string): boolean {
    return this.#recalls.has(bundleId);
  }

  apply({ fact, envelope }: RecordedEvent): void {
    if (fact.type === 'KernelImported') this.#kernels.set(fact.data.kernelId, fact.data.kernel);
    else if (fact.type === 'BundleAssembled') this.#assembled.set(fact.data.bundleId, fact.data);
    else if (fact.type === 'BundleSigned') this.#sign(fact.data);
    else if (fact.type === 'BundleRecalled') this.#recall({ ...fact.data, at: envelope.at });
  }

  /** The first counts, unless only a later one takes the bundle back: then that stands in its place. */
  #recall(recall: RecallList['recalls'][number]): void {
    const before = this.#recalls.get(recall.bundleId);
    if (before === undefined || (before.keep === true && recall.keep !== true))
      this.#recalls.set(recall.bundleId, recall);
  }

  #sign({ bundleId, signature }: EventData<'BundleSigned'>): void {
    const assembled = this.#assembled.get(bundleId);
    const kernel = assembled === undefined ? undefined : this.#kernels.get(assembled.kernelId);
    // sign assembles only for imported kernels, so the log has both first.
    if (assembled === undefined || kernel === undefined) return;
    const { artefact, sizeBytes } = assembled;
    const { release } = kernel;
    this.#bundles.set(bundleId, { bundleId, channel: channelOf(kernel), release, artefact, sizeBytes, signature });
    this.#assembled.delete(bundleId);
  }
}
