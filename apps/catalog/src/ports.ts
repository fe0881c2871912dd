import type { Digest, Series } from '#libs/contracts';

/** Reads the series that a split wrote. */
export abstract class SeriesSource {
  /**
   * @throws ProjectionError `malformed-blob` if the blob is no series; BlobError `blob-not-found` while it isn't here (yet)
   */
  abstract read(digest: Digest): Promise<Series>;
}
