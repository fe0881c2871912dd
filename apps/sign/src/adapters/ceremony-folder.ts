import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '#libs/durable';
import { Ed25519Signer } from '#libs/tuf';
import { KeyFolder } from './key-folder.js';

const maxFileBytes = 1024 * 1024;
/** As `standardPolicy` counts: 3 of 5, and 2 of 3. */
const holders = { root: 5, targets: 3 } as const;

/** The keys of a ceremony that is held on the service's own machine. */
export interface LocalHolders {
  readonly root: readonly Ed25519Signer[];
  readonly targets: readonly Ed25519Signer[];
}

/**
 * `<data>/ceremony`: copies of what the offline roles were signed as, to be had again if the blobs are lost; and, where the operator
 * didn't say that the ceremony is held elsewhere, the offline keys themselves, **which makes them no safer than the online ones**. That
 * is for trying out: `splicectl tuf rotate` hands over to real holders, with no new agent.
 */
export class CeremonyFolder {
  constructor(
    readonly path: string,
    /** Whether the service may hold the ceremony itself. */
    readonly isHere: boolean,
    private readonly passphrase: Buffer | undefined,
  ) {}

  /** Keeps a copy of a file that was accepted. */
  async keep(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o750 });
    await writeDurably(join(this.path, name), bytes, 0o644);
  }

  /** A copy; undefined if there is none. */
  async find(name: string): Promise<Buffer | undefined> {
    const file = await open(join(this.path, name), 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (file === undefined) return undefined;
    try {
      return (await file.stat()).size > maxFileBytes ? undefined : await file.readFile();
    } finally {
      await file.close();
    }
  }

  /**
   * The keys of the ceremony that is held here; undefined where it is held elsewhere.
   * @param make them if there are none.
   * @throws KeyFolderError
   */
  async holders(make: boolean): Promise<LocalHolders | undefined> {
    if (!this.isHere) return undefined;
    if (!make && (await stat(join(this.path, 'keys')).catch(() => undefined)) === undefined) return undefined;
    await mkdir(this.path, { recursive: true, mode: 0o750 });
    const names = (['root', 'targets'] as const).flatMap((role) =>
      Array.from({ length: holders[role] }, (_, n) => `${role}-${n + 1}`),
    );
    const folder = await KeyFolder.open(join(this.path, 'keys'), names, this.passphrase);
    const of = async (role: keyof typeof holders): Promise<Ed25519Signer[]> => {
      const signers: Ed25519Signer[] = [];
      for (const name of names.filter((one) => one.startsWith(`${role}-`))) {
        signers.push(new Ed25519Signer(await folder.key(name)));
      }
      return signers;
    };
    return { root: await of('root'), targets: await of('targets') };
  }
}
