import type { Digest, LicenseTerms, Series } from '#libs/contracts';

/** Reads the series that a split wrote. */
export abstract class SeriesSource {
  /**
   * @throws ProjectionError `malformed-blob` if the blob is no series; BlobError `blob-not-found` while it isn't here (yet)
   */
  abstract read(digest: Digest): Promise<Series>;
}

/** What a licence's token says. */
export interface LicenseClaim {
  readonly licenseId: string;
  readonly customerId: string;
  readonly terms: LicenseTerms;
  readonly rev: number;
}

/** Has a licence signed. The token is its holder's: it is answered and forgotten, never stored or logged. */
export abstract class LicenseSigner {
  /** @throws Problem 503 while nobody signs, 502 if the signer refuses */
  abstract sign(license: LicenseClaim): Promise<string>;
}
