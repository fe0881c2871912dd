import type { EventData, Fact } from '#libs/contracts';

interface Served {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** The signed metadata as it is served: names and digests, folded from what sign has published. */
export class MetadataShelf {
  readonly #files = new Map<string, Served>();
  readonly #recallLists = new Map<string, Served>();
  readonly #bundleIds = new Set<string>();
  #isPublished = false;

  /** A file of the metadata, by the name under which it is asked for. */
  file(name: string): Served | undefined {
    return this.#files.get(name);
  }

  /** A list of recalls that was vouched for at some time, by its digest. */
  recallList(digest: string): Served | undefined {
    return this.#recallLists.get(digest);
  }

  /** Whether a machine would trust the bundle. Before the first publication there is nothing to go by, and that is the machine's to say. */
  vouchesFor(bundleId: string): boolean {
    return !this.#isPublished || this.#bundleIds.has(bundleId);
  }

  apply(fact: Fact): void {
    if (fact.type === 'RootPublished') this.#put(fact.data.file);
    else if (fact.type === 'MetadataPublished') this.#publish(fact.data);
    else if (fact.type === 'MetadataPruned') {
      for (const { name, digest } of fact.data.files) {
        if (this.#files.get(name)?.digest === digest) this.#files.delete(name);
        this.#recallLists.delete(digest);
      }
    }
  }

  #publish({ files, recalls, bundleIds = [] }: EventData<'MetadataPublished'>): void {
    this.#isPublished = true;
    for (const file of files) this.#put(file);
    for (const id of bundleIds) this.#bundleIds.add(id);
    if (recalls !== undefined) this.#recallLists.set(recalls.digest, recalls);
  }

  #put({ name, digest, sizeBytes }: Served & { readonly name: string }): void {
    this.#files.set(name, { digest, sizeBytes });
  }
}
