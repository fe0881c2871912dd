import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { writeDurably } from '#libs/durable';
import { EmbeddedNatsError } from './errors.js';

/** A process, told apart from a later one that was given the same pid by when it started. */
const processSchema = z.object({ pid: z.number().int().min(2), startTicks: z.number().int().nonnegative() });
type ProcessIdentity = z.infer<typeof processSchema>;

const recordSchema = z.object({ server: processSchema, parent: processSchema });

const stopPatienceMs = 10_000;

/** Writes down which server runs on a data folder, and for whom. */
export async function recordServer(path: string, serverPid: number): Promise<void> {
  const record = { server: identityOf(serverPid), parent: identityOf(process.pid) };
  if (record.server === undefined || record.parent === undefined) return;
  await writeDurably(path, `${JSON.stringify(record)}\n`, 0o600);
}

/**
 * Makes sure that no server runs on the data folder: one whose parent was killed is stopped.
 * @throws EmbeddedNatsError `data-folder-in-use` if its parent lives: the folder belongs to another running service.
 */
export async function stopOrphan(path: string): Promise<void> {
  const record = recordSchema.safeParse(await readJson(path)).data;
  if (record === undefined || !isAlive(record.server)) {
    await rm(path, { force: true });
    return;
  }
  if (isAlive(record.parent)) {
    throw new EmbeddedNatsError(
      'data-folder-in-use',
      `another service (process ${record.parent.pid}) runs on this data folder: stop it, or give this one its own folder`,
    );
  }
  await stopProcess(record.server);
  await rm(path, { force: true });
}

async function stopProcess(orphan: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(orphan.pid, signal);
    const deadline = Date.now() + stopPatienceMs;
    while (Date.now() < deadline) {
      if (!isAlive(orphan)) return;
      await wait(20);
    }
  }
  throw new EmbeddedNatsError('data-folder-in-use', `the old server (process ${orphan.pid}) does not stop`);
}

function isAlive(known: ProcessIdentity): boolean {
  return identityOf(known.pid)?.startTicks === known.startTicks;
}

/** @returns undefined if the process is dead, or a zombie (it holds no file or port any more). */
function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the command in parentheses may hold anything; behind it follow field 3 (state) … 22 (start time in ticks).
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startTicks: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
