/** What a file may cost. */
export interface Allowance {
  readonly maxBytes: number;
}

/**
 * Brings bytes from a mirror, which may be hostile: never more than allowed, and never for longer.
 * An answer proves nothing; the client checks every byte of it.
 */
export abstract class Fetcher {
  /**
   * The file's bytes; undefined if the mirror says that it has none.
   * @throws TufError `endless-data`, `slow-retrieval`, `unreachable`.
   */
  abstract fetch(name: string, allowance: Allowance): Promise<Buffer | undefined>;
}
