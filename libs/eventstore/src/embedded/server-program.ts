import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedNatsError } from './errors.js';

const run = promisify(execFile);

/** A nats-server program that can be started. */
export interface ServerProgram {
  readonly path: string;
  /** e.g. `2.9.10`. */
  readonly version: string;
  /** It knows `sync_interval: always` (from 2.10 on; older ones refuse to start with it). */
  readonly canSyncAlways: boolean;
}

/**
 * Finds nats-server: the given path, else NATS_SERVER_BIN, else along PATH, else where Debian puts it (which is not on every
 * user's PATH).
 * @throws EmbeddedNatsError `no-nats-server` with the command that installs one.
 */
export async function findServerProgram(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ServerProgram> {
  const named = given ?? environment['NATS_SERVER_BIN'];
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates =
    named !== undefined && named !== ''
      ? [named]
      : [...onPath.map((folder) => join(folder, 'nats-server')), '/usr/sbin/nats-server'];
  for (const path of candidates) {
    if (!(await isExecutable(path))) continue;
    const version = await versionOf(path);
    return { path, version, canSyncAlways: isAtLeast(version, 2, 10) };
  }
  const where = named === undefined || named === '' ? 'on this machine' : `at ${named}`;
  throw new EmbeddedNatsError(
    'no-nats-server',
    `there is no nats-server ${where}; install it with: apt-get install -y nats-server (or set NATS_SERVER_BIN, or NATS_URL)`,
  );
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await run(path, ['-v'], { timeout: 10_000, maxBuffer: 64 * 1024 });
    const version = /nats-server: v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
    if (version !== undefined) return version;
  } catch (error) {
    throw new EmbeddedNatsError('no-nats-server', `${path} does not run`, { cause: error });
  }
  throw new EmbeddedNatsError('no-nats-server', `${path} does not say that it is nats-server`);
}

/** Compares a version's major and minor numbers. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a > major || (a === major && b >= minor);
}
