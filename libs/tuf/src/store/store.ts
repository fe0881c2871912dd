/**
 * What the client has trusted, kept between updates: the memory against which a rollback shows. One file a role, as it came.
 * Only the client writes it, and everything read from it is verified again, so a damaged file costs a download and no more, but for
 * `root`: that one is where trust begins.
 */
export abstract class MetadataStore {
  /** The role's bytes; undefined if there are none. */
  abstract read(role: string): Promise<Uint8Array | undefined>;
  /** All or nothing: after a crash there is the old file or the new one. */
  abstract write(role: string, bytes: Uint8Array): Promise<void>;
  /** No error if there is none. */
  abstract remove(role: string): Promise<void>;
}

/** For tests, and to verify a copy without touching it. */
export class MemoryStore extends MetadataStore {
  readonly #files = new Map<string, Uint8Array>();

  override async read(role: string): Promise<Uint8Array | undefined> {
    return this.#files.get(role);
  }

  override async write(role: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(role, bytes);
  }

  override async remove(role: string): Promise<void> {
    this.#files.delete(role);
  }
}
