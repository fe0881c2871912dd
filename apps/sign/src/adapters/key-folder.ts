import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type FileHandle, lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SigningPolicy } from './signing-policy.js';

type KeyFolderErrorCode =
  /** The folder or a file in it can be read by others, or isn't ours. */
  | 'keys-exposed'
  /** There are keys, but not all: making new ones would silently end every licence and agent's trust. */
  | 'key-missing'
  | 'malformed-key'
  /** Fewer bundle keys than must sign. */
  | 'threshold-unreachable';

/** The keys can't be used, and the service must not start. Never carries key material. */
class KeyFolderError extends Error {
  override readonly name = 'KeyFolderError';
  constructor(
    readonly code: KeyFolderErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Private keys by role. */
export interface KeyMaterial {
  readonly bundle: readonly KeyObject[];
  readonly license: KeyObject;
  readonly lease: KeyObject;
}

const bundleFile = /^bundle-([1-9][0-9]?)\.pem$/;

/**
 * Opens the folder of private keys (`bundle-<n>.pem`, `license-1.pem`, `lease-1.pem`; PKCS #8, Ed25519), and makes it, with
 * all keys or none, where there is none yet.
 * @throws KeyFolderError
 */
export async function openKeyFolder(folder: string, policy: SigningPolicy): Promise<KeyMaterial> {
  const found = await lstat(folder).catch(ifAbsent);
  if (found === undefined) await makeKeyFolder(folder, policy);
  await refuseExposed(folder, 'folder');
  const names = (await readdir(folder)).filter((name) => bundleFile.test(name)).sort(byNumber);
  if (names.length < policy.bundleThreshold) {
    throw new KeyFolderError(
      'threshold-unreachable',
      `${folder} holds ${names.length} bundle keys, ${policy.bundleThreshold} must sign`,
    );
  }
  const bundle: KeyObject[] = [];
  for (const name of names) bundle.push(await readKey(join(folder, name)));
  return {
    bundle,
    license: await readKey(join(folder, 'license-1.pem')),
    lease: await readKey(join(folder, 'lease-1.pem')),
  };
}

/** Writes all keys beside the folder, then moves them in place at once: a crash in between leaves no half of them. */
async function makeKeyFolder(folder: string, policy: SigningPolicy): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`)); // mode 0700
  try {
    const bundles = Array.from({ length: policy.bundleKeys }, (_, n) => `bundle-${n + 1}.pem`);
    for (const name of [...bundles, 'license-1.pem', 'lease-1.pem']) await writeNewKey(join(fresh, name));
    await syncFolder(fresh);
    await rename(fresh, folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another process has just made them: its keys are the keys.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

async function writeNewKey(path: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readKey(path: string): Promise<KeyObject> {
  await refuseExposed(path, 'file');
  let key: KeyObject;
  try {
    key = createPrivateKey(await readFile(path));
  } catch {
    // The cause is left out on purpose: a parser's message may quote what it read.
    throw new KeyFolderError('malformed-key', `${path} holds no private key in PKCS #8`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new KeyFolderError('malformed-key', `${path} is no Ed25519 key`);
  return key;
}

async function refuseExposed(path: string, kind: 'folder' | 'file'): Promise<void> {
  const stat = await lstat(path).catch(ifAbsent);
  if (stat === undefined) {
    throw new KeyFolderError('key-missing', `${path} is gone: bring it back from the backup`);
  }
  if (kind === 'folder' ? !stat.isDirectory() : !stat.isFile()) {
    throw new KeyFolderError('keys-exposed', `${path} is no plain ${kind}`);
  }
  if ((stat.mode & 0o077) !== 0) {
    const mode = kind === 'folder' ? '0700' : '0600';
    throw new KeyFolderError(
      'keys-exposed',
      `${path} can be reached by others: chmod ${mode} it, and think of new keys`,
    );
  }
  if (process.getuid !== undefined && stat.uid !== process.getuid()) {
    throw new KeyFolderError('keys-exposed', `${path} belongs to another user`);
  }
}

async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function byNumber(a: string, b: string): number {
  return Number(bundleFile.exec(a)?.[1]) - Number(bundleFile.exec(b)?.[1]);
}
