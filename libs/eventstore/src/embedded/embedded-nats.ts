import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type BrokerKeys, openBrokerKeys, publisherUser, serviceUser, systemUser } from '#libs/broker';
import { writeDurably } from '#libs/durable';
import type { NatsServers } from '../jetstream/connection.js';
import { adoptPlainAccount } from './adopted-account.js';
import { EmbeddedNatsError } from './errors.js';
import { freePort } from './free-port.js';
import { recordServer, stopOrphan } from './process-record.js';
import { serverConfigText } from './server-config.js';
import { type ReadyCheck, type ServerProcess, startServerProcess } from './server-process.js';
import { findServerProgram, type ServerProgram } from './server-program.js';

export interface EmbeddedNatsOptions {
  /** The service's data folder; the server keeps its files in `<dataDir>/nats`. */
  readonly dataDir: string;
  /** Port to listen on; a free one when absent. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1 when absent. */
  readonly host?: string;
  /** Path of the nats-server program; else NATS_SERVER_BIN, PATH, /usr/sbin/nats-server. */
  readonly binary?: string;
  /** Called once if the server dies so often that it is given up. */
  readonly onFailure?: (error: EmbeddedNatsError) => void;
}

/** A server that dies again within this time after its start has failed once more. */
const healthyMs = 30_000;
const maxFailures = 8;

interface Layout {
  readonly configFile: string;
  readonly recordFile: string;
}

/** What the operator must know where the server can't bring each append to the disk. */
function warningFor(program: ServerProgram): string | undefined {
  if (program.canSyncAlways) return undefined;
  return (
    `nats-server ${program.version} can't bring each event to the disk before it acknowledges it (2.10 and later can): ` +
    'a killed process loses nothing, but a power cut or a crash of the whole machine may lose the last two minutes of events'
  );
}

/** A nats-server that lives and dies with this process, and is started again if it dies alone. */
export class EmbeddedNats {
  private readonly stopping = new AbortController();
  private readonly guarded: Promise<void>;

  private constructor(
    /** `nats://host:port`. */
    readonly url: string,
    readonly port: number,
    /** Who may connect, and what each may do there. */
    readonly keys: BrokerKeys,
    private readonly program: ServerProgram,
    private readonly layout: Layout,
    private server: ServerProcess | undefined,
    onFailure: ((error: EmbeddedNatsError) => void) | undefined,
  ) {
    this.guarded = this.guard(onFailure);
  }

  /** Starts the server and resolves when it can be connected to. @throws EmbeddedNatsError */
  static async start(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
    const program = await findServerProgram(options.binary, process.env);
    const folder = join(resolve(options.dataDir), 'nats');
    const layout = { configFile: join(folder, 'nats-server.conf'), recordFile: join(folder, 'server.json') };
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await stopOrphan(layout.recordFile);
    const host = options.host ?? '127.0.0.1';
    const port = await freePort(host, options.port);
    const keys = await openBrokerKeys(folder);
    const storeDir = join(folder, 'jetstream');
    await adoptPlainAccount(storeDir, keys);
    const config = serverConfigText({
      host,
      port,
      storeDir,
      accountsDir: join(folder, 'accounts'),
      logFile: join(folder, 'nats-server.log'),
      keys,
      syncAlways: program.canSyncAlways,
    });
    await writeDurably(layout.configFile, config, 0o600);
    const url = `nats://${reachable(host)}:${port}`;
    const server = await startRecorded(program, layout, { url, credentials: serviceUser(keys) });
    return new EmbeddedNats(url, port, keys, program, layout, server, options.onFailure);
  }

  /** The log's and the stages' own account: everything. */
  get service(): NatsServers {
    return { servers: this.url, credentials: serviceUser(this.keys) };
  }

  /** Says hints to machines. */
  get publisher(): NatsServers {
    return { servers: this.url, credentials: publisherUser(this.keys) };
  }

  /** Governs the servers: who is cut off, how many are connected. */
  get system(): NatsServers {
    return { servers: this.url, credentials: systemUser(this.keys) };
  }

  /** Version of the server program, e.g. `2.9.10`. */
  get version(): string {
    return this.program.version;
  }

  /** Each append is on the disk before it is acknowledged. */
  get fsyncEveryAppend(): boolean {
    return this.program.canSyncAlways;
  }

  /** What the operator must be told at start, if anything. */
  get warning(): string | undefined {
    return warningFor(this.program);
  }

  /** Process id of the server; undefined while it is down. */
  get pid(): number | undefined {
    return this.server?.pid;
  }

  /** Stops the server and resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.server?.stop();
    await this.guarded;
  }

  private async guard(onFailure: ((error: EmbeddedNatsError) => void) | undefined): Promise<void> {
    const ready = { url: this.url, credentials: serviceUser(this.keys) };
    let failures = 0;
    let lastWords = '';
    while (!this.isStopping()) {
      const began = Date.now();
      if (this.server !== undefined) lastWords = await this.server.ended;
      this.server = undefined;
      if (this.isStopping()) return;
      failures = Date.now() - began > healthyMs ? 1 : failures + 1;
      if (failures > maxFailures) {
        onFailure?.(new EmbeddedNatsError('server-failed', `nats-server died ${failures} times: ${lastWords}`));
        return;
      }
      const pauseMs = failures === 1 ? 0 : Math.min(100 * 2 ** failures, 5_000);
      await wait(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.isStopping()) return;
      this.server = await startRecorded(this.program, this.layout, ready).catch((error: unknown) => {
        lastWords = error instanceof Error ? error.message : String(error);
        return undefined;
      });
      // Stopped while it was starting.
      if (this.isStopping()) await this.server?.stop();
    }
  }

  /** A method, because the compiler doesn't see that the flag may change during an `await`. */
  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }
}

async function startRecorded(program: ServerProgram, layout: Layout, ready: ReadyCheck): Promise<ServerProcess> {
  return startServerProcess(program.path, layout.configFile, ready, (pid) => recordServer(layout.recordFile, pid));
}

/** Where a server on this machine is reached that listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
