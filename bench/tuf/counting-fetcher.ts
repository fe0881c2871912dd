import { gzipSync } from 'node:zlib';
import { type Allowance, Fetcher, type RepositoryFiles } from '#libs/tuf';

/** What goes over the wire: as it is, and as HTTP's gzip makes it. */
export interface Bytes {
  raw: number;
  gzip: number;
}

/** Brings the repository's files as a mirror would, and counts. */
export class CountingFetcher extends Fetcher {
  readonly files: Record<string, Bytes> = {};
  /** Not the client's time. */
  countingMs = 0;

  constructor(readonly source: RepositoryFiles) {
    super();
  }

  override async fetch(name: string, { maxBytes }: Allowance): Promise<Buffer | undefined> {
    const found = await this.source.read(name);
    if (found === undefined || found.length > maxBytes) return undefined;
    const begin = performance.now();
    this.files[name] = { raw: found.length, gzip: gzipSync(found).length };
    this.countingMs += performance.now() - begin;
    return Buffer.from(found);
  }

  get total(): Bytes {
    const sum = { raw: 0, gzip: 0 };
    for (const { raw, gzip } of Object.values(this.files)) {
      sum.raw += raw;
      sum.gzip += gzip;
    }
    return sum;
  }
}
