import { createPrivateKey, type KeyObject } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createDurably, syncPath } from '#libs/durable';
import { newEd25519Key } from '#libs/ed25519';
import { isOwnerOnly, KeyFileError, openKey, readKeyFile, sealKey, type SealCost, writeKeyFile } from '#libs/keyfile';

type KeyFolderErrorCode =
  /** The folder or a file in it can be read by others, or isn't ours. */
  | 'keys-exposed'
  /** There are keys, but not all: making new ones would silently end every licence and agent's trust. */
  | 'key-missing'
  | 'malformed-key'
  /** The keys are sealed, and no passphrase was given. */
  | 'passphrase-missing'
  | 'wrong-passphrase'
  /** Fewer bundle keys than must sign. */
  | 'threshold-unreachable';

/** The keys can't be used, and the service must not start. Never carries key material. */
export class KeyFolderError extends Error {
  override readonly name = 'KeyFolderError';
  constructor(
    readonly code: KeyFolderErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Opened at every start, a dozen of them: 32 MB and some 80 ms each. The service's passphrase is a machine's, not a memory's. */
const onlineCost: SealCost = { logN: 15, r: 8, p: 1 };

const keyFile = /^([a-z]+-[1-9][0-9]?)\.(?:key|pem|pkcs11)$/;
const maxUriBytes = 4096;

/**
 * A folder of private keys: `<name>.key` sealed under the service's passphrase, or `<name>.pem` (PKCS #8) without one. Keys that lie
 * there plain are sealed as soon as there is a passphrase. `<name>.pkcs11` says where a key is that lies in a token.
 */
export class KeyFolder {
  private constructor(
    readonly path: string,
    private readonly passphrase: Buffer | undefined,
  ) {}

  /** Opens a folder; where there is none yet it is made, with all the keys that are named or none. @throws KeyFolderError */
  static async open(path: string, names: readonly string[], passphrase?: Buffer): Promise<KeyFolder> {
    const folder = new KeyFolder(path, passphrase);
    if ((await lstat(path).catch(ifAbsent)) === undefined) await folder.make(names);
    await refuseExposed(path, 'folder');
    return folder;
  }

  /** Names of the keys that are there, of one role in the order of their numbers. */
  async names(): Promise<readonly string[]> {
    const names = (await readdir(this.path)).flatMap((file) => keyFile.exec(file)?.[1] ?? []);
    return [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Where a key is that isn't in the folder: a `pkcs11:` URI. @throws KeyFolderError */
  async uri(name: string): Promise<string | undefined> {
    const file = join(this.path, `${name}.pkcs11`);
    const found = await lstat(file).catch(ifAbsent);
    if (found === undefined) return undefined;
    // Whoever may write it says which token signs.
    await refuseExposed(file, 'file');
    if (found.size > maxUriBytes) throw new KeyFolderError('malformed-key', `${file} is no pkcs11: URI`);
    return (await readFile(file, 'utf8')).trim();
  }

  /** @throws KeyFolderError */
  async key(name: string): Promise<KeyObject> {
    const [sealed, plain] = [join(this.path, `${name}.key`), join(this.path, `${name}.pem`)];
    if ((await lstat(sealed).catch(ifAbsent)) !== undefined) {
      const key = await this.openSealed(sealed);
      // Left there by a crash between sealing it and removing it.
      if (this.passphrase !== undefined) await rm(plain, { force: true });
      return key;
    }
    const key = await readPlain(plain);
    if (this.passphrase !== undefined) {
      await writeKeyFile(sealed, await sealKey(key, name, this.passphrase, onlineCost));
      await rm(plain);
      await syncPath(this.path);
    }
    return key;
  }

  private async openSealed(path: string): Promise<KeyObject> {
    if (this.passphrase === undefined) {
      throw new KeyFolderError(
        'passphrase-missing',
        `${path} is sealed: set SPLICECAST_KEY_PASSPHRASE_FILE to the file with its passphrase`,
      );
    }
    try {
      return await openKey(await readKeyFile(path), this.passphrase);
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      const code = error.code === 'wrong-passphrase' || error.code === 'keys-exposed' ? error.code : 'malformed-key';
      throw new KeyFolderError(code, `${path}: ${error.message}`);
    }
  }

  /** Writes all keys beside the folder, then moves them in place at once: a crash in between leaves no half of them. */
  private async make(names: readonly string[]): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    const fresh = await mkdtemp(join(dirname(this.path), `.${basename(this.path)}-`)); // mode 0700
    try {
      for (const name of names) await this.writeNewKey(fresh, name);
      await syncPath(fresh);
      await rename(fresh, this.path);
      await syncPath(dirname(this.path));
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      // Another process has just made them: its keys are the keys.
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  private async writeNewKey(folder: string, name: string): Promise<void> {
    const privateKey = newEd25519Key();
    if (this.passphrase !== undefined) {
      await writeKeyFile(join(folder, `${name}.key`), await sealKey(privateKey, name, this.passphrase, onlineCost));
      return;
    }
    await createDurably(join(folder, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }), 0o600);
  }
}

async function readPlain(path: string): Promise<KeyObject> {
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
  if (!isOwnerOnly(stat)) {
    const mode = kind === 'folder' ? '0700' : '0600';
    throw new KeyFolderError(
      'keys-exposed',
      `${path} can be reached by others: chmod ${mode} it (and chown it to the service), and think of new keys`,
    );
  }
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
