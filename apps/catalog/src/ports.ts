import type { Digest, LevelContent, LicenseTerms, Series } from '#libs/contracts';
import type { Standing, StandingRequest } from '#libs/licensing';

/** Of each file of a split step, its changes and whose they are. */
export type HunkMap = readonly {
  readonly path: string;
  readonly hunks: readonly MappedHunk[];
}[];

/** A place at which the newer source differs from the older one (lines from 1; of none, the line before). */
export interface MappedHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Commits of the series, by their place in it, and how sure that is. */
  readonly owners: readonly { readonly ordinal: number; readonly confidence: number }[];
}

/**
 * Reads what events name by digest and the folds need.
 * All throw ProjectionError `malformed-blob` if the blob is something else; BlobError `blob-not-found` while it isn't here (yet).
 */
export abstract class Documents {
  /** The series that a split wrote. */
  abstract series(digest: Digest): Promise<Series>;
  /** What a split's report says of whose each change is; nothing, if it is of before there were such maps. */
  abstract hunkMap(digest: Digest): Promise<HunkMap>;
  /** What a level's module replaces. */
  abstract levelContent(digest: Digest): Promise<LevelContent>;
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

/** Knows who has which seat of a licence. */
export abstract class StandingSource {
  /** @throws Problem 503 while nobody answers */
  abstract of(request: StandingRequest): Promise<Standing>;
}
