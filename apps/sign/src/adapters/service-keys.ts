import type { KeyObject } from 'node:crypto';
import { KeyFolder, KeyFolderError } from './key-folder.js';
import type { SigningPolicy } from './signing-policy.js';

/** Private keys by role. */
export interface KeyMaterial {
  readonly bundle: readonly KeyObject[];
  readonly license: KeyObject;
  readonly lease: KeyObject;
}

/**
 * Opens the keys of bundles, licences and leases: `bundle-<n>`, `license-1`, `lease-1`, Ed25519.
 * @throws KeyFolderError
 */
export async function openServiceKeys(path: string, policy: SigningPolicy, passphrase?: Buffer): Promise<KeyMaterial> {
  const bundles = Array.from({ length: policy.bundleKeys }, (_, n) => `bundle-${n + 1}`);
  const folder = await KeyFolder.open(path, [...bundles, 'license-1', 'lease-1'], passphrase);
  const names = (await folder.names()).filter((name) => name.startsWith('bundle-'));
  if (names.length < policy.bundleThreshold) {
    throw new KeyFolderError(
      'threshold-unreachable',
      `${path} holds ${names.length} bundle keys, ${policy.bundleThreshold} must sign`,
    );
  }
  const bundle: KeyObject[] = [];
  for (const name of names) bundle.push(await folder.key(name));
  return { bundle, license: await folder.key('license-1'), lease: await folder.key('lease-1') };
}
