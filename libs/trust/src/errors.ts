export type TrustErrorCode =
  /** Not of the form that it must have; larger than it may be. */
  | 'malformed-token'
  /** A genuine token of another kind. */
  | 'wrong-typ'
  /** `none`, HS256 with the public key as secret, or anything but EdDSA. */
  | 'wrong-algorithm'
  /** Signed by a key that isn't pinned for this. */
  | 'unknown-key'
  | 'bad-signature'
  /** The signature is over something else. */
  | 'payload-mismatch'
  /** Too few distinct keys have signed. */
  | 'threshold-not-met'
  /** Forged: an attestation that too few of the pinned keys have signed, or in the name of one that hasn't. */
  | 'attestation-unsigned'
  | 'wrong-issuer'
  | 'wrong-audience'
  /** Somebody else's lease. */
  | 'wrong-subject'
  /** The lease is bound to another key than the one that is shown. */
  | 'wrong-key'
  | 'expired'
  | 'not-yet-valid'
  /** A proof made for another method, path or body. */
  | 'wrong-request'
  /** A proof made too long ago, or by a clock that runs ahead. */
  | 'stale-proof'
  /** A proof that was shown before. */
  | 'replayed';

/** Something that must not be trusted, and why. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
  constructor(
    readonly code: TrustErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
