import { type AggregateId, digestOf } from '#libs/contracts';
import { z } from 'zod';
import { standardAttestations } from './attestation/names.js';
import { canonicalJson, parseJsonBytes } from './canonical-json.js';
import { BundleError } from './errors.js';
import { type Manifest, manifestSchema, payloadPathOf } from './manifest.js';

/** A manifest of 100,000 functions has about 40 MB; anything larger is no manifest. */
export const maxManifestBytes = 64 * 1024 * 1024;

/**
 * The one way to write a manifest: canonical JSON in UTF-8. Same manifest, same bytes, same id, same signature.
 * @throws BundleError `malformed-manifest`.
 */
export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(canonicalJson(checkManifest(manifest)), 'utf8');
}

/**
 * Reads a manifest's bytes.
 * @throws BundleError `malformed-manifest`; `manifest-not-canonical` for any other bytes than `encodeManifest` would write.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > maxManifestBytes) throw new BundleError('malformed-manifest', 'the manifest is too large');
  const json = parseJsonBytes(bytes);
  if (json === undefined) throw new BundleError('malformed-manifest', 'manifest.json is no JSON');
  const manifest = checkManifest(json);
  // A field that we don't know is dropped by the schema, so it shows here too: nothing unread is ever signed or trusted.
  if (!encodeManifest(manifest).equals(bytes)) {
    throw new BundleError('manifest-not-canonical', 'manifest.json is not in canonical form');
  }
  return manifest;
}

/** A bundle's id: the first 20 hex digits (80 bits) of the SHA-256 of its manifest's bytes. */
export function bundleIdOf(manifestBytes: Uint8Array): AggregateId {
  return digestOf(manifestBytes).slice(0, 20);
}

function checkManifest(value: unknown): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new BundleError('malformed-manifest', z.prettifyError(parsed.error));
  const manifest = parsed.data;
  if (manifest.replace !== (manifest.level !== undefined)) {
    throw new BundleError('malformed-manifest', 'a level replaces all earlier live patches, and nothing else does');
  }
  const paths = new Set(manifest.payload.map((part) => part.path));
  if (paths.size !== manifest.payload.length) {
    throw new BundleError('malformed-manifest', 'the manifest names a payload twice');
  }
  if (!paths.has(payloadPathOf(manifest.module))) {
    throw new BundleError('malformed-manifest', `the manifest names no payload for its module ${manifest.module}`);
  }
  checkAttestations(manifest);
  return manifest;
}

/** A manifest that names attestations names all that there must be, or whoever made it could leave out the one that would tell on him. */
function checkAttestations({ attestations, fixes }: Manifest): void {
  if (attestations === undefined) return;
  if (new Set(attestations.map(({ path }) => path)).size !== attestations.length) {
    throw new BundleError('malformed-manifest', 'the manifest names an attestation twice');
  }
  for (const { path, predicateType } of standardAttestations(fixes)) {
    if (attestations.some((one) => one.path === path && one.predicateType === predicateType)) continue;
    throw new BundleError('malformed-manifest', `the manifest names attestations, and no ${predicateType}`);
  }
}
