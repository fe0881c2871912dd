import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '#libs/contracts';

/** A file whose writer can't be asked after (another machine's, or an unknown name) is left over once it is that old. */
const unknownWriterMs = 24 * 3600 * 1000;

const host = digestOf(hostname()).slice(0, 8);
const namePattern = /^([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{16}$/;

/**
 * How this process names what it writes: host, pid and the process's start time, so that a later process can tell a file that
 * is being written from one whose writer is dead, even when the pid was given again.
 */
export function incomingName(): string {
  return `${host}-${process.pid}-${startTicks(process.pid) ?? 0}`;
}

/** Removes the files in `folder` whose writer is dead. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (isLeftOver(name, path)) rmSync(path, { force: true });
  }
}

function isLeftOver(name: string, path: string): boolean {
  const writer = namePattern.exec(name);
  if (writer !== null && writer[1] === host) return String(startTicks(Number(writer[2])) ?? '') !== writer[3];
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > unknownWriterMs;
}

/** When a process started, in clock ticks since boot (proc(5), /proc/pid/stat field 22); undefined if it is dead. */
function startTicks(pid: number): number | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold anything, so count from its end: field 3 follows it.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return Number(fields[19]);
  } catch {
    return undefined;
  }
}
