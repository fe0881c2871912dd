import { spawn } from 'node:child_process';

export type ProcessErrorCode =
  /** The program isn't installed, or may not be run. */
  | 'program-not-found'
  | 'timed-out'
  /** It wrote more than it may. */
  | 'too-much-output'
  /** It ended with another exit code than 0, or by a signal. */
  | 'failed';

/** A child process that didn't do what it was asked. `stderr` is what it said, at most 64 KiB of it. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  constructor(
    readonly code: ProcessErrorCode,
    message: string,
    readonly stderr = '',
    readonly exitCode?: number,
  ) {
    super(message);
  }
}

export interface RunOptions {
  readonly cwd?: string;
  /** The child's whole environment: nothing is inherited, so that secrets don't leak and results don't vary. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Bound on standard output; 16 MiB when absent. */
  readonly maxOutputBytes?: number;
  readonly stdin?: Uint8Array;
}

export interface RunResult {
  readonly stdout: Buffer;
  readonly stderr: string;
}

const maxErrorBytes = 64 * 1024;

/**
 * Runs a program without a shell, bounded in time and output. It leads a process group of its own, and the whole group
 * is killed at a bound, so that a compiler's children don't live on.
 * @throws ProcessError
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const maxOutputBytes = options.maxOutputBytes ?? 16 * 1024 * 1024;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let outBytes = 0;
    let errorBytes = 0;
    let broken: ProcessError | undefined;
    const kill = (error: ProcessError): void => {
      broken ??= error;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    };
    const timer = setTimeout(
      () => kill(new ProcessError('timed-out', `${program} took longer than ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > maxOutputBytes) {
        kill(new ProcessError('too-much-output', `${program} wrote more than ${maxOutputBytes} bytes`));
      } else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (errorBytes < maxErrorBytes) errors.push(chunk.subarray(0, maxErrorBytes - errorBytes));
      errorBytes += chunk.length;
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new ProcessError('program-not-found', `${program} can't be run: ${error.code ?? error.message}`));
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(errors).toString('utf8');
      if (broken) reject(new ProcessError(broken.code, broken.message, stderr));
      else if (exitCode === 0) resolve({ stdout: Buffer.concat(out), stderr });
      else {
        const how = signal === null ? `exit ${exitCode}` : `signal ${signal}`;
        reject(new ProcessError('failed', `${program} failed (${how})`, stderr, exitCode ?? undefined));
      }
    });
    // A program may end without reading all that it is given (a decompressor past its first stream): no failure of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin);
  });
}
