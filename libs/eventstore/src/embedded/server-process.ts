import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { connect } from 'nats';
import { authenticatorFor, type UserCredentials } from '#libs/broker';
import { EmbeddedNatsError } from './errors.js';

const run = promisify(execFile);
const startPatienceMs = 20_000;
const stopPatienceMs = 10_000;
const lastWordsLength = 4_000;

/** Who connects to see whether the server is ready. */
export interface ReadyCheck {
  readonly url: string;
  readonly credentials: UserCredentials;
}

/** One run of the server program. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with what it said last when it has ended, for whatever reason. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts the program, tells its pid, and resolves when it takes connections and JetStream works.
 * @throws EmbeddedNatsError `server-failed`
 */
export async function startServerProcess(
  program: string,
  configFile: string,
  ready: ReadyCheck,
  onSpawn: (pid: number) => Promise<void>,
): Promise<ServerProcess> {
  const [command, args] = await withParent(program, ['-c', configFile]);
  // A process group of its own: Ctrl-C is for the service, which stops the server last.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const killWithParent = (): void => void child.kill('SIGTERM');
  process.once('exit', killWithParent);
  let lastWords = '';
  const hear = (chunk: Buffer): void => void (lastWords = (lastWords + chunk.toString()).slice(-lastWordsLength));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = endOf(child).then((how) => {
    process.removeListener('exit', killWithParent);
    return [how, lastWords.trim()].filter((part) => part !== '').join(': ');
  });
  const { pid } = child;
  if (pid === undefined) throw new EmbeddedNatsError('server-failed', `nats-server did not start: ${await ended}`);
  const server = { pid, ended, stop: () => stop(child, ended) };
  const dead = ended.then((how) => Promise.reject(new EmbeddedNatsError('server-failed', `nats-server ended: ${how}`)));
  dead.catch(() => undefined);
  try {
    await onSpawn(pid);
    await Promise.race([untilReady(ready), dead]);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Where util-linux's setpriv is there, the kernel ends the server with its parent, even one that is killed with SIGKILL. */
async function withParent(program: string, args: readonly string[]): Promise<[string, string[]]> {
  try {
    await run('setpriv', ['--pdeathsig', 'TERM', 'true'], { timeout: 5_000 });
    return ['setpriv', ['--pdeathsig', 'TERM', program, ...args]];
  } catch {
    // The next start on this data folder stops the orphan (process-record.ts).
    return [program, [...args]];
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
  await ended;
  clearTimeout(kill);
}

async function untilReady(ready: ReadyCheck): Promise<void> {
  const deadline = Date.now() + startPatienceMs;
  for (;;) {
    try {
      const connection = await connect({
        servers: ready.url,
        authenticator: authenticatorFor(ready.credentials),
        reconnect: false,
        timeout: 2_000,
      });
      try {
        await (await connection.jetstreamManager()).getAccountInfo();
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline) {
        throw new EmbeddedNatsError('server-failed', 'nats-server takes no connections', { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
