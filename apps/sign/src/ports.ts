import type { TrustKeys } from '#libs/contracts';
import type { LeaseClaims, LicenseClaims } from '#libs/trust';

/** A manifest's signatures: general JWS as JSON text, without the payload (the manifest lies in the artefact). */
export interface ManifestSignature {
  readonly jws: string;
  readonly keyIds: readonly string[];
}

/** The private keys. It signs what it is given: whether that may be signed is decided before. */
export abstract class Keyring {
  /** Signs with every bundle key that is held. */
  abstract signManifest(manifestBytes: Uint8Array): Promise<ManifestSignature>;
  /** @returns compact JWS. */
  abstract signLicense(claims: LicenseClaims): Promise<string>;
  /** @returns compact JWS. */
  abstract signLease(claims: LeaseClaims): Promise<string>;
  /** The public halves. */
  abstract trustKeys(): TrustKeys;
}
