import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestError } from './errors.js';
import { upLine } from './init.js';
import { buildInitramfs } from './initramfs.js';
import { readGuestModules } from './modules.js';
import { qemuCommand } from './qemu.js';
import { Transcript } from './transcript.js';

export interface GuestOptions {
  /** The kernel: `vmlinuz`, or the ELF unpacked from it, which boots in half the time. */
  readonly kernel: string;
  /** Its `lib/modules/<release>` folder (see `guestModules`). */
  readonly modulesFrom: string;
  /** A folder of the host that the guest sees read-only at /share. */
  readonly share: string;
  /**
   * The guest's job: text for `sh` (busybox), run once /proc, /sys, /dev, /tmp, /share and the network are up. Its standard
   * input is what `Guest.send` sends. Its exit status is the guest's.
   */
  readonly script: string;
  /** 256 by default: what Node needs in there. */
  readonly memoryMb?: number;
  /** From start to power-off; then the guest is killed. */
  readonly timeoutMs: number;
  readonly onLine?: (line: string) => void;
}

export interface GuestExit {
  /** The job's exit status. */
  readonly code: number;
  readonly lines: readonly string[];
}

export interface Guest {
  /** QEMU's process id. */
  readonly pid: number;
  /** The console, from its beginning, ending when the guest ends. */
  readonly lines: AsyncIterable<string>;
  /** Sends text to the job's standard input, once there is a job to read it; lines end in `\n`. */
  send(text: string): void;
  /** @returns the first line that matches, earlier ones included. @throws GuestError if the guest ends without it. */
  waitFor(pattern: RegExp): Promise<string>;
  /** Settles when the guest is off. @throws GuestError `timeout`, `kernel-panic`, `qemu-failed`, `killed`. */
  readonly exited: Promise<GuestExit>;
  /** Pulls the plug; `exited` then rejects with `killed`. Harmless afterwards. */
  kill(): void;
}

const maxScriptBytes = 256 * 1024;
const panicLine = /Kernel panic - not syncing/;
/** What an error carries of the console. */
const errorLines = 40;

/**
 * Boots a stock kernel under QEMU's software emulation, with an initramfs made here, and runs one job in it.
 * @throws GuestError `program-missing`, `file-missing`, `bad-option`, `qemu-failed`.
 */
export async function bootGuest(options: GuestOptions): Promise<Guest> {
  const { memoryMb = 256, timeoutMs } = options;
  checkOptions(options, memoryMb);
  for (const path of [options.kernel, options.share]) await mustExist(path);
  const modules = await readGuestModules(options.modulesFrom);
  const exitMark = `guest-exit-${randomBytes(8).toString('hex')}`;
  const lifetimeSec = Math.ceil(timeoutMs / 1000) + 5;
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-guest-'));
  try {
    const initramfs = join(folder, 'initramfs.cpio');
    await writeFile(initramfs, await buildInitramfs(modules, options.script, { exitMark, lifetimeSec }));
    const { program, args } = await qemuCommand({ ...options, initramfs, memoryMb });
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    return await superviseGuest(child, { folder, exitMark, timeoutMs, onLine: options.onLine });
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

function checkOptions({ script, timeoutMs }: GuestOptions, memoryMb: number): void {
  if (Buffer.byteLength(script) > maxScriptBytes) {
    throw new GuestError('bad-option', `the script has more than ${maxScriptBytes} bytes: put it into the share`);
  }
  if (!(memoryMb >= 64 && memoryMb <= 4096))
    throw new GuestError('bad-option', `${memoryMb} MB is no memory for a guest`);
  if (!(timeoutMs > 0 && timeoutMs <= 3_600_000)) throw new GuestError('bad-option', `timeoutMs ${timeoutMs}`);
}

async function mustExist(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new GuestError('file-missing', `${path} is not there`, [], { cause });
  });
}

interface Supervision {
  readonly folder: string;
  readonly exitMark: string;
  readonly timeoutMs: number;
  readonly onLine: ((line: string) => void) | undefined;
}

async function superviseGuest(child: ChildProcess, supervision: Supervision): Promise<Guest> {
  let failure: GuestError | undefined;
  const kill = (error: GuestError): void => {
    failure ??= error;
    child.kill('SIGKILL');
  };
  const input = new Input((text) => void child.stdin?.write(text));
  const transcript = new Transcript((line) => {
    supervision.onLine?.(line);
    if (line.startsWith(upLine)) input.open();
    // panic=-1 with -no-reboot ends QEMU by itself; this says why it did.
    if (panicLine.test(line)) failure ??= new GuestError('kernel-panic', line);
  });
  child.stdout?.on('data', (bytes: Buffer) => transcript.write(bytes));
  let complaint = '';
  child.stderr?.on('data', (bytes: Buffer) => (complaint = (complaint + bytes.toString()).slice(-4096)));
  child.stdin?.on('error', () => undefined); // The guest may power off while something is still being sent.
  const timer = setTimeout(
    () => kill(new GuestError('timeout', `the guest was not off after ${supervision.timeoutMs} ms`)),
    supervision.timeoutMs,
  );
  const killWithParent = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithParent);
  const exited = new Promise<GuestExit>((resolve, reject) => {
    child.once('close', (status) => {
      clearTimeout(timer);
      process.off('exit', killWithParent);
      transcript.end();
      const end = guestExit(
        transcript.lines,
        supervision.exitMark,
        failure,
        `QEMU ended with ${status}: ${complaint.trim()}`,
      );
      void rm(supervision.folder, { recursive: true, force: true }).then(() =>
        end instanceof GuestError ? reject(end) : resolve(end),
      );
    });
  });
  exited.catch(() => undefined); // A caller may look at `lines` alone.
  await started(child);
  return {
    pid: child.pid ?? 0,
    lines: transcript,
    exited,
    send: (text) => input.send(text),
    waitFor: (pattern) => firstMatch(transcript, pattern),
    kill: () => kill(new GuestError('killed', 'the guest was killed by its caller')),
  };
}

/** What is sent before the job runs would go to the firmware, and be lost. */
class Input {
  private waiting: string[] | undefined = [];

  constructor(private readonly write: (text: string) => void) {}

  send(text: string): void {
    if (this.waiting === undefined) this.write(text);
    else this.waiting.push(text);
  }

  open(): void {
    for (const text of this.waiting ?? []) this.write(text);
    this.waiting = undefined;
  }
}

async function started(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new GuestError('qemu-failed', `QEMU can't start: ${cause.message}`, [], { cause })),
    );
  });
}

function guestExit(
  lines: readonly string[],
  exitMark: string,
  failure: GuestError | undefined,
  qemu: string,
): GuestExit | GuestError {
  const last = lines.slice(-errorLines);
  if (failure !== undefined) return new GuestError(failure.code, failure.message, last);
  const mark = lines.findLast((line) => line.startsWith(`${exitMark} `));
  if (mark === undefined) return new GuestError('qemu-failed', `the guest ended before its job did. ${qemu}`, last);
  return { code: Number(mark.slice(exitMark.length + 1)), lines: lines.filter((line) => line !== mark) };
}

async function firstMatch(transcript: Transcript, pattern: RegExp): Promise<string> {
  for await (const line of transcript) {
    if (pattern.test(line)) return line;
  }
  throw new GuestError(
    'qemu-failed',
    `the guest ended before it printed ${String(pattern)}`,
    transcript.lines.slice(-errorLines),
  );
}
