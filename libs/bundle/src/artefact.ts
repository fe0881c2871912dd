import { type AggregateId, digestOf } from '#libs/contracts';
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
  entries: 65,
};

/** A manifest before its payload is measured: `payload` follows from the bytes. */
export type ManifestInput = Omit<Manifest, 'payload'>;

export interface AssembledBundle {
  readonly bundleId: AggregateId;
  readonly manifest: Manifest;
  /** What is signed. */
  readonly manifestBytes: Buffer;
  /** Deterministic tar.gz: `manifest.json` and `payload/<module>.ko`. */
  readonly artefact: Buffer;
}

/**
 * Makes a bundle. Its id and manifest follow from the content alone; so does the artefact, for one version of zlib.
 * @param payloads bytes by path in the artefact (`payload/<module>.ko`).
 * @throws BundleError `malformed-manifest`.
 */
export async function assembleBundle(
  input: ManifestInput,
  payloads: ReadonlyMap<string, Uint8Array>,
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
  const artefact = await packArchive(new Map([...payloads, [manifestName, manifestBytes]]));
  return { bundleId: bundleIdOf(manifestBytes), manifest, manifestBytes, artefact };
}

export interface OpenedBundle {
  readonly bundleId: AggregateId;
  readonly manifest: Manifest;
  /** As they stand in the artefact: compare the signature with these. */
  readonly manifestBytes: Buffer;
  /** Bytes of a payload that the manifest names, already checked. @throws BundleError `missing-entry` for any other path. */
  payload(path: string): Buffer;
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
      const bytes = path === manifestName ? undefined : entries.get(path);
      if (bytes === undefined) throw new BundleError('missing-entry', `the bundle holds no payload ${path}`);
      return bytes;
    },
  };
}

function refuseStrangers(entries: ReadonlyMap<string, Buffer>, manifest: Manifest): void {
  const named = new Set([manifestName, ...manifest.payload.map((part) => part.path)]);
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
