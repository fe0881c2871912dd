import { execFile } from 'node:child_process';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const timeoutMs = 30 * 60_000;
const run = promisify(execFile);

/** What people clone, and with which options of git. */
export const shapes = {
  full: ['--bare'],
  shallow: ['--bare', '--depth=1'],
  'without blobs': ['--bare', '--filter=blob:none'],
  'blobs at checkout': ['--filter=blob:none'],
} as const;

export type Shape = keyof typeof shapes;

export interface Cloned {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Git as a stranger has it. */
export class Client {
  private readonly config: string;
  private clones = 0;

  private constructor(private readonly scratch: string) {
    this.config = join(scratch, 'gitconfig');
  }

  static async in(scratch: string): Promise<Client> {
    const client = new Client(scratch);
    // By file:// the client's own git serves, and filters only where it may.
    await writeFile(client.config, '[uploadpack]\n\tallowFilter = true\n');
    return client;
  }

  /** Clones into a new folder, measures, and removes it. */
  async clone(url: string, shape: Shape): Promise<Cloned> {
    this.clones += 1;
    const folder = join(this.scratch, `clone-${this.clones}`);
    const env = { PATH: process.env['PATH'], HOME: this.scratch, LC_ALL: 'C', GIT_CONFIG_GLOBAL: this.config };
    const args = ['clone', '--quiet', ...shapes[shape], url, folder];
    try {
      const started = performance.now();
      await run('git', args, { env: { ...env, GIT_CONFIG_NOSYSTEM: '1' }, timeout: timeoutMs });
      const seconds = (performance.now() - started) / 1000;
      return { seconds, megabytes: (await packBytes(folder)) / 1e6 };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function packBytes(folder: string): Promise<number> {
  const bare = await stat(join(folder, 'HEAD')).catch(() => undefined);
  const packs = join(folder, bare ? '' : '.git', 'objects', 'pack');
  let bytes = 0;
  for (const name of await readdir(packs)) {
    if (name.endsWith('.pack')) bytes += (await stat(join(packs, name))).size;
  }
  return bytes;
}
