import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { nextMessage } from '../child-message.js';

const dist = fileURLToPath(new URL('../..', import.meta.url));
const patienceMs = 600_000;

export type WorkerName = 'listeners' | 'event-streams' | 'plain-streams' | 'check-ins' | 'empty-route';

/** A process that is asked and answers. */
export class Worker<Order, Answer> {
  private constructor(private readonly child: ChildProcess) {}

  static start<Order, Answer>(name: WorkerName): Worker<Order, Answer> {
    return new Worker(fork(join(dist, 'bench/feed', `${name}.js`), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  }

  async ask(order: Order): Promise<Answer> {
    const answer = this.next();
    this.child.send(order as object);
    return answer;
  }

  /** @throws Error if it says nothing. */
  async next(): Promise<Answer> {
    const answer = await nextMessage(this.child, patienceMs);
    if (typeof answer === 'string') throw new Error(`a process of the benchmark has ${answer}`);
    return answer as Answer;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A nats-server that knows nothing of users, and a connection to it. */
export async function plainServer(): Promise<{ port: number; connection: NatsConnection; stop(): Promise<void> }> {
  const port = await freePort();
  const binary = process.env['NATS_SERVER_BIN'] ?? '/usr/sbin/nats-server';
  const child = spawn(binary, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const connection = await connect({ servers: `nats://127.0.0.1:${port}`, waitOnFirstConnect: true });
  const stop = async (): Promise<void> => {
    await connection.close();
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  return { port, connection, stop };
}

/** The feed as a process of its own, over these NATS servers and this data folder. */
export class FeedProcess {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly args: readonly string[],
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @param profile folder to write to where its processor time goes. */
  static async start(dataDir: string, natsUrl: string, profile: string | undefined): Promise<FeedProcess> {
    const port = await freePort();
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const env = { ...process.env, SPLICECAST_DATA: dataDir, SPLICECAST_PORT: String(port), NATS_URL: natsUrl };
    const feed = new FeedProcess(port, [...profiling, join(dist, 'apps/feed/src/main.js')], env);
    await feed.begin();
    return feed;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it, and waits until it is ready. @throws Error */
  async begin(): Promise<void> {
    const child = spawn(process.execPath, this.args, { env: this.env, stdio: 'ignore' });
    this.child = child;
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const up = await fetch(`http://127.0.0.1:${this.port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (up) return;
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('the feed does not start');
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}
