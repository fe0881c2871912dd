import type { TrustKeys } from '#libs/contracts';
import type { LeaseClaims, LicenseClaims } from '#libs/trust';
import type { OnlineSigners, Signer } from '#libs/tuf';

/** A manifest's signatures: general JWS as JSON text, without the payload (the manifest lies in the artefact). */
export interface ManifestSignature {
  readonly jws: string;
  readonly keyIds: readonly string[];
}

/** The private keys. It signs what it is given: whether that may be signed is decided before. */
export abstract class Keyring {
  /** Signs with every bundle key that is held. */
  abstract signManifest(manifestBytes: Uint8Array): Promise<ManifestSignature>;
  /** Signs an in-toto statement with the same keys. @returns a DSSE envelope as JSON. */
  abstract signStatement(statement: Uint8Array): Promise<Buffer>;
  /** @returns compact JWS. */
  abstract signLicense(claims: LicenseClaims): Promise<string>;
  /** @returns compact JWS. */
  abstract signLease(claims: LeaseClaims): Promise<string>;
  /** The public halves. */
  abstract trustKeys(): TrustKeys;
}

/**
 * The online keys of the signed metadata. Each is a `Signer`, so each may be somewhere else: in a file, behind PKCS#11, in a key
 * service.
 */
export abstract class MetadataSigners implements OnlineSigners {
  abstract readonly channel: readonly Signer[];
  abstract readonly release: readonly Signer[];
  abstract readonly recall: readonly Signer[];
  abstract readonly snapshot: readonly Signer[];
  abstract readonly timestamp: readonly Signer[];
}
