import { BundleError, checkStatement, decodeStatement, type OpenedBundle, statementMediaType } from '#libs/bundle';
import type { TrustKeys } from '#libs/contracts';
import { openEnvelope } from './envelope.js';
import { TrustError } from './errors.js';

/**
 * Checks all attestations that a bundle's manifest names: each signed by a threshold of the pinned bundle keys, about this bundle's module,
 * and at one with the manifest. The manifest must be known to be genuine: it is what says which there must be.
 * @throws TrustError `attestation-unsigned`; BundleError `attestation-malformed`, `attestation-of-another`, `attestation-contradicts`.
 */
export function verifyAttestations(
  { manifest, attestations }: OpenedBundle,
  keys: Pick<TrustKeys, 'bundle' | 'bundleThreshold'>,
): void {
  for (const { path, predicateType, envelope } of attestations) {
    try {
      const { payload } = openEnvelope(envelope, statementMediaType, keys);
      checkStatement(decodeStatement(payload), predicateType, manifest);
    } catch (cause) {
      const { message } = cause as Error;
      if (cause instanceof TrustError) throw new TrustError(cause.code, `${path}: ${message}`, { cause });
      if (cause instanceof BundleError) throw new BundleError(cause.code, `${path}: ${message}`, { cause });
      throw cause;
    }
  }
}
