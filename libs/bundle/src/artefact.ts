import { type AggregateId, digestOf } from '#libs/contracts';
import type { AttestationName } from './attestation/names.js';
import { bundleIdOf, decodeManifest, encodeManifest } from './canonical.js';
import { BundleError } from './errors.js';
import type { Manifest } from './manifest.js';
import { packArchive, type ArchiveLimits, unpackArchive } from './archive.js';

export type { ArchiveLimits } from './archive.js';

/** The manifest's name in the artefact. */
const manifestName = 'manifest.json';

/** Ample for hot patches (about 10 kB a module, all fixes of a release some MB), far below what would hurt an agent. */
export const defaultArchiveLimits: ArchiveLimits = {
  packedBytes: 64 * 1024 * 1024,
  unpackedBytes: 128 * 1024 * 1024,
  entries: 81,
};

/** A manifest before its payload is measured: `payload` follows from the bytes. */
export type ManifestInput = Omit<Manifest, 'payload'>;

export interface AssembledBundle {
  readonly bundleId: AggregateId;
  readonly manifest: Manifest;
  /** What is signed. */
  readonly manifestBytes: Buffer;
  /** Deterministic tar.gz: `manifest.json`, `payload/<module>.ko` and `attest/<kind>.dsse.json`. */
  readonly artefact: Buffer;
}

/**
 * Makes a bundle. Its id and manifest follow from the content alone; so does the artefact, for one version of zlib.
 * @param payloads bytes by path in the artefact (`payload/<module>.ko`).
 * @param attestations the envelopes that the manifest names, by their paths.
 * @throws BundleError `malformed-manifest`, `attestation-missing`.
 */
export async function assembleBundle(
  input: ManifestInput,
  payloads: ReadonlyMap<string, Uint8Array>,
  attestations: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<AssembledBundle> {
  const paths = [...payloads.keys()].sort();
  const manifest: Manifest = {
    ...input,
    payload: paths.map((path) => {
      const bytes = payloads.get(path) ?? new Uint8Array();
      return { path, sha256: digestOf(bytes), length: bytes.length };
    }),
  };
  const manifestBytes = encodeManifest(manifest);
  const envelopes = (manifest.attestations ?? []).map(({ path }) => [path, entryOf(attestations, path)] as const);
  const artefact = await packArchive(new Map([...payloads, ...envelopes, [manifestName, manifestBytes]]));
  return { bundleId: bundleIdOf(manifestBytes), manifest, manifestBytes, artefact };
}

export interface OpenedBundle {
  readonly bundleId: AggregateId;
  readonly manifest: Manifest;
  /** As they stand in the artefact: compare the signature with these. */
  readonly manifestBytes: Buffer;
  /** Bytes of a payload that the manifest names, already checked. @throws BundleError `missing-entry` for any other path. */
  payload(path: string): Buffer;
  /** Those that the manifest names, all there, as they came: whether they are signed and true is to be looked at. */
  readonly attestations: readonly OpenedAttestation[];
}

/** An attestation in a bundle. */
export interface OpenedAttestation extends AttestationName {
  /** DSSE, as JSON. */
  readonly envelope: Buffer;
}

/**
 * Opens an artefact whole, within bounds, and checks that it holds exactly what its manifest says: nothing is missing,
 * added, renamed or altered. Whether the manifest itself is genuine is libs/trust's to say.
 * @throws BundleError
 */
export async function openBundle(
  artefact: Uint8Array,
  limits: ArchiveLimits = defaultArchiveLimits,
): Promise<OpenedBundle> {
  const entries = await unpackArchive(artefact, limits);
  const manifestBytes = entries.get(manifestName);
  if (manifestBytes === undefined) throw new BundleError('missing-entry', `the bundle holds no ${manifestName}`);
  const manifest = decodeManifest(manifestBytes);
  refuseStrangers(entries, manifest);
  for (const part of manifest.payload) checkPayload(part, entries.get(part.path));
  return {
    bundleId: bundleIdOf(manifestBytes),
    manifest,
    manifestBytes,
    payload(path) {
      const bytes = path.startsWith('payload/') ? entries.get(path) : undefined;
      if (bytes === undefined) throw new BundleError('missing-entry', `the bundle holds no payload ${path}`);
      return bytes;
    },
    attestations: (manifest.attestations ?? []).map((name) => ({ ...name, envelope: entryOf(entries, name.path) })),
  };
}

/** @throws BundleError `attestation-missing`. */
function entryOf<T extends Uint8Array>(entries: ReadonlyMap<string, T>, path: string): T {
  const bytes = entries.get(path);
  if (bytes !== undefined) return bytes;
  throw new BundleError('attestation-missing', `the manifest names ${path}, and the bundle does not hold it`);
}

function refuseStrangers(entries: ReadonlyMap<string, Buffer>, manifest: Manifest): void {
  const { payload, attestations = [] } = manifest;
  const named = new Set([manifestName, ...[...payload, ...attestations].map(({ path }) => path)]);
  for (const name of entries.keys()) {
    if (!named.has(name))
      throw new BundleError('unexpected-entry', `the manifest doesn't name ${JSON.stringify(name)}`);
  }
}

function checkPayload(part: Manifest['payload'][number], bytes: Buffer | undefined): void {
  if (bytes === undefined) throw new BundleError('missing-entry', `the bundle holds no ${part.path}`);
  if (bytes.length !== part.length) {
    throw new BundleError(
      'payload-mismatch',
      `${part.path} has ${bytes.length} bytes, its manifest says ${part.length}`,
    );
  }
  const digest = digestOf(bytes);
  if (digest !== part.sha256) {
    throw new BundleError('payload-mismatch', `${part.path} is ${digest}, its manifest says ${part.sha256}`);
  }
}
