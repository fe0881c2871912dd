import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { TrustKeys } from '#libs/contracts';

/** Writes the public keys for agents to pin; whole or not at all. */
export async function writeTrustFile(path: string, keys: TrustKeys): Promise<void> {
  await writePublicFile(path, Buffer.from(`${JSON.stringify(keys, null, 2)}\n`));
}

/** Writes a file for everybody; whole or not at all. */
export async function writePublicFile(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(fresh, bytes, { flag: 'wx', mode: 0o644 });
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}
