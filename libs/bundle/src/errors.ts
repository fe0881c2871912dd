export type BundleErrorCode =
  /** No gzip, no tar, or cut short. */
  | 'malformed-archive'
  /** Packed or unpacked it is over the limit. */
  | 'bundle-too-large'
  | 'too-many-entries'
  /** An entry that the manifest doesn't name, or one that is no plain file. */
  | 'unexpected-entry'
  | 'duplicate-entry'
  /** The manifest, or a payload that it names, isn't there. */
  | 'missing-entry'
  /** No JSON, or not of the manifest's shape. */
  | 'malformed-manifest'
  /** The same manifest can be written in other bytes: it then has another id and another signature. */
  | 'manifest-not-canonical'
  /** A payload's length or SHA-256 isn't the manifest's. */
  | 'payload-mismatch'
  /** Stripped: an attestation that the manifest names isn't there, or none is where there must be some. */
  | 'attestation-missing'
  /** No in-toto statement, or not of its kind's shape. */
  | 'attestation-malformed'
  /** Swapped: a genuine attestation of another kind, or about another module. */
  | 'attestation-of-another'
  /** It is about this module, and says something else of it than the manifest. */
  | 'attestation-contradicts';

/** A bundle that must not be used, and why. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  constructor(
    readonly code: BundleErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
