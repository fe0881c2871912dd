import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const nobody = 65_534;
const startMs = 60_000;

/** A PostgreSQL server of the test's own, on loopback. */
export class PostgresServer {
  private constructor(
    private readonly folder: string,
    private readonly process: ChildProcess,
    private readonly url: string,
  ) {}

  /** @throws Error if Debian's `postgresql-15`, or another version, isn't installed */
  static async start(): Promise<PostgresServer> {
    const bin = await programs();
    const folder = await mkdtemp(join(tmpdir(), 'splicecast-postgres-'));
    const password = randomBytes(16).toString('hex');
    // The server refuses to run as root.
    const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
    if (user.uid !== undefined) chownSync(folder, nobody, nobody);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user.uid !== undefined) chownSync(passwordFile, nobody, nobody);
    const data = join(folder, 'data');
    const made = spawnSync(
      join(bin, 'initdb'),
      [
        '-D',
        data,
        '-U',
        'test',
        '-A',
        'scram-sha-256',
        '--pwfile',
        passwordFile,
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
      { ...user, cwd: folder, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const port = await freePort();
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: folder,
      fsync: 'off',
      max_connections: 200,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(bin, 'postgres'), ['-D', data, ...options], { ...user, cwd: folder, stdio: 'ignore' });
    const started = new PostgresServer(folder, server, `postgres://test:${password}@127.0.0.1:${port}/postgres`);
    await started.answers();
    return started;
  }

  /** A database of its own for each name; the same one for the same name. */
  async databaseFor(name: string): Promise<string> {
    const schema = `t_${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
    await this.run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    return `${this.url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGINT');
    await gone;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<void> {
    const deadline = Date.now() + startMs;
    for (;;) {
      try {
        await this.run('SELECT 1');
        return;
      } catch (error) {
        if (Date.now() > deadline || this.process.exitCode !== null) throw error;
        await sleep(100);
      }
    }
  }

  private async run(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
}

/** Where the server's programs are: Debian keeps them apart by version, and off the path. */
async function programs(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? await readdir(root) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql-15');
  return join(root, newest, 'bin');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
