import { type AggregateId, digestOf } from '#libs/contracts';
import { z } from 'zod';
import { BundleError } from './errors.js';
import { type Manifest, manifestSchema, payloadPathOf } from './manifest.js';

/** A manifest of 100,000 functions has about 40 MB; anything larger is no manifest. */
export const maxManifestBytes = 64 * 1024 * 1024;

/**
 * The one way to write a manifest: UTF-8 JSON, no white space, keys in code-unit order at every depth, absent fields left
 * out. Same manifest, same bytes, same id, same signature.
 * @throws BundleError `malformed-manifest`.
 */
export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(JSON.stringify(sortKeys(checkManifest(manifest))), 'utf8');
}

/**
 * Reads a manifest's bytes.
 * @throws BundleError `malformed-manifest`; `manifest-not-canonical` for any other bytes than `encodeManifest` would write.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > maxManifestBytes) throw new BundleError('malformed-manifest', 'the manifest is too large');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new BundleError('malformed-manifest', 'manifest.json is no JSON', { cause });
  }
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
  const paths = new Set(manifest.payload.map((part) => part.path));
  if (paths.size !== manifest.payload.length) {
    throw new BundleError('malformed-manifest', 'the manifest names a payload twice');
  }
  if (!paths.has(payloadPathOf(manifest.module))) {
    throw new BundleError('malformed-manifest', `the manifest names no payload for its module ${manifest.module}`);
  }
  return manifest;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
