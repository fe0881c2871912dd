import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ServiceClient } from '#libs/client';

/** The folder of the compiled program, which this file is part of. */
export const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface ServiceOptions {
  /** Where the compiled program is, if this file isn't part of it. */
  readonly distDir?: string;
  /** The token and port of an earlier run on the same data. */
  readonly adminToken?: string;
  readonly port?: number;
}

const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

/** A free port on the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** The whole service in a process of its own, as `npm start` runs it. */
export class ServiceProcess {
  private constructor(
    readonly client: ServiceClient,
    readonly logFile: string,
    readonly adminToken: string,
    private readonly child: ChildProcess,
  ) {}

  /** Starts it and waits until it answers. @throws Error with the end of its log if it doesn't. */
  static async start(dataDir: string, options: ServiceOptions = {}): Promise<ServiceProcess> {
    await mkdir(dataDir, { recursive: true });
    const logFile = join(dataDir, 'service.log');
    const adminToken = options.adminToken ?? `sca_${randomBytes(24).toString('base64url')}`;
    const port = options.port ?? (await freePort());
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, [join(options.distDir ?? distDir, 'apps/standalone/src/main.js')], {
      env: {
        ...process.env,
        SPLICECAST_DATA: dataDir,
        SPLICECAST_PORT: String(port),
        SPLICECAST_ADMIN_TOKEN: adminToken,
        NO_COLOR: '1',
      },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    const client = new ServiceClient(`http://127.0.0.1:${port}`, adminToken);
    const service = new ServiceProcess(client, logFile, adminToken, child);
    const deadline = Date.now() + startTimeoutMs;
    while (!(await service.healthy())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await service.stop();
        throw new Error(`the service didn't start:\n${(await readFile(logFile, 'utf8')).slice(-4000)}`);
      }
      await sleep(200);
    }
    return service;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Lets it run on after this program has ended. */
  release(): void {
    this.child.unref();
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(late);
  }

  /** Kills it at once, as a power cut to the process would. */
  async crash(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }

  private async healthy(): Promise<boolean> {
    try {
      const response = await fetch(`${this.client.url}/healthz`, { signal: AbortSignal.timeout(2000) });
      return response.ok;
    } catch {
      return false;
    }
  }
}
