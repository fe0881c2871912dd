import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { resolve } from 'node:path';
import { TreeError } from './port.js';

/** How a git command ended, if it wasn't well: its exit code and the beginning of what it said. */
export class GitFailure extends TreeError {
  constructor(
    readonly args: readonly string[],
    readonly exitCode: number | null,
    readonly stderr: string,
  ) {
    const code = /No space left on device|Out of diskspace|disk quota exceeded/i.test(stderr)
      ? 'no-space'
      : 'tree-store-failed';
    super(code, `git ${commandOf(args)} failed (${exitCode ?? 'killed'}): ${stderr.trim().slice(0, 2000)}`);
  }
}

/** The command itself, behind the settings for it. */
function commandOf(args: readonly string[]): string {
  let at = 0;
  while (args[at] === '-c') at += 2;
  return args[at] ?? '';
}

export interface GitRun {
  readonly input?: Uint8Array | string;
  /** Most bytes of output to take. */
  readonly maxBytes?: number;
  readonly indexFile?: string;
  /** Ends the command. */
  readonly signal?: AbortSignal | undefined;
  /** As nice(2) has it: 19 runs where nobody else wants to. */
  readonly niceness?: number;
}

/**
 * Settings that every command gets. Hooks and helpers of a hostile repository never run; nothing is repacked behind our back;
 * names that a file system would take for `.git` are refused.
 */
const settings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'core.quotePath=true',
  'core.fsync=reference,objects',
  'core.compression=1',
  'core.bigFileThreshold=64m',
  'fastimport.unpackLimit=0',
  'gc.auto=0',
  'maintenance.auto=false',
];
const maxStderrChars = 64 * 1024;

/** All that git sees of our environment: no user's or system's configuration can change what it does. */
export function gitEnvironment(): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
  };
}

/** Runs git on one bare repository, in an environment of our own. */
export class Git {
  readonly gitDir: string;

  /** @param gitDir relative to where this process is: git itself runs in the repository. */
  constructor(gitDir: string) {
    this.gitDir = resolve(gitDir);
  }

  /** Starts a command whose input and output the caller streams. */
  start(args: readonly string[], indexFile?: string): ChildProcessWithoutNullStreams {
    const flags = settings.flatMap((setting) => ['-c', setting]);
    return spawn('git', [...flags, '--git-dir', this.gitDir, ...args], {
      stdio: 'pipe',
      cwd: this.gitDir,
      env: { ...gitEnvironment(), ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }) },
    });
  }

  /** Runs a command to its end and gives its output. @throws GitFailure; TreeError `too-large`. */
  async run(args: readonly string[], options: GitRun = {}): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.stream(args, options)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Runs a command and gives its output as it comes; ends the command if the reader stops. */
  async *stream(args: readonly string[], options: GitRun = {}): AsyncGenerator<Buffer> {
    const child = this.start(args, options.indexFile);
    const end = endOf(child, args);
    if (options.niceness !== undefined) yieldToOthers(child, options.niceness);
    const stop = (): unknown => child.kill('SIGKILL');
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    // A command may end without reading all of its input (a patch that doesn't parse): its exit says what happened.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    let room = options.maxBytes ?? 2 ** 30;
    let whole = false;
    let failure: Awaited<typeof end>;
    try {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        room -= chunk.length;
        if (room < 0) throw new TreeError('too-large', `git ${commandOf(args)}: more output than is allowed`);
        yield chunk;
      }
      whole = true;
    } finally {
      if (!whole) stop();
      failure = await end;
      options.signal?.removeEventListener('abort', stop);
    }
    if (failure) throw failure;
  }
}

/** Lets others go first. */
export function yieldToOthers({ pid }: ChildProcessWithoutNullStreams, niceness: number): void {
  try {
    if (pid !== undefined) setPriority(pid, niceness);
  } catch {
    // It may be over already.
  }
}

/** Waits for a command; resolves with what went wrong, if anything did. */
export async function endOf(
  child: ChildProcessWithoutNullStreams,
  args: readonly string[],
): Promise<TreeError | undefined> {
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    if (stderr.length < maxStderrChars) stderr += text.toString('latin1');
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : new GitFailure(args, code, stderr);
  } catch (error) {
    return new TreeError('tree-store-failed', `can't run git: ${String(error)}`);
  }
}
