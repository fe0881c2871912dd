import type { KeyObject } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newEd25519Key } from '#libs/ed25519';
import { Ed25519Signer, type KeyHolders, type OnlineSigners } from '#libs/tuf';

const offline = { root: 5, targets: 3 } as const;
const online = { channel: 2, release: 2, recall: 2, snapshot: 1, timestamp: 1 } as const;
type Role = keyof typeof offline | keyof typeof online;

/** All keys of a repository, as many as `standardPolicy` asks for. */
export class Keys {
  readonly #keys: Readonly<Record<Role, readonly KeyObject[]>>;

  constructor() {
    const made = Object.entries({ ...offline, ...online }).map(([role, count]) => [
      role,
      Array.from({ length: count }, () => newEd25519Key()),
    ]);
    this.#keys = Object.fromEntries(made) as Record<Role, KeyObject[]>;
  }

  of(role: Role): Ed25519Signer[] {
    return this.#keys[role].map((key) => new Ed25519Signer(key));
  }

  get online(): OnlineSigners {
    const [channel, release, recall] = [this.of('channel'), this.of('release'), this.of('recall')];
    return { channel, release, recall, snapshot: this.of('snapshot'), timestamp: this.of('timestamp') };
  }

  get holders(): KeyHolders {
    const [root, targets] = [this.of('root'), this.of('targets')];
    return { root, targets, snapshot: this.of('snapshot'), timestamp: this.of('timestamp') };
  }

  /** Leaves them where the stage that signs looks for its own, the offline ones too: a ceremony that is held beside it. */
  async writeTo(dataDir: string): Promise<void> {
    await this.#write(join(dataDir, 'metadata-keys'), Object.keys(online) as Role[]);
    await this.#write(join(dataDir, 'ceremony/keys'), Object.keys(offline) as Role[]);
  }

  async #write(folder: string, roles: readonly Role[]): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    for (const role of roles) {
      for (const [n, key] of this.#keys[role].entries()) {
        const pem = key.export({ format: 'pem', type: 'pkcs8' });
        await writeFile(join(folder, `${role}-${n + 1}.pem`), pem, { mode: 0o600 });
      }
    }
  }
}
