import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** One run of a command: how long it took, and the most memory that it had. */
export interface CommandRun {
  readonly timeMs: number;
  /** Undefined where GNU time isn't installed. */
  readonly peakBytes: number | undefined;
}

const gnuTime = '/usr/bin/time';

/** Runs a command to its end. Its exit code says what it found, so it is nobody's business here. */
export function runCommand(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): CommandRun {
  const measured = existsSync(gnuTime);
  const line = measured ? [gnuTime, '-f', 'peak %M kB', program, ...args] : [program, ...args];
  const began = performance.now();
  const { stderr, error } = spawnSync(line[0] ?? '', line.slice(1), { env, encoding: 'utf8', maxBuffer: 1 << 26 });
  const timeMs = performance.now() - began;
  if (error !== undefined) throw error;
  const peak = /peak (\d+) kB/.exec(stderr)?.[1];
  return { timeMs, peakBytes: peak === undefined ? undefined : Number(peak) * 1024 };
}
