import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { endOf, gitEnvironment, yieldToOthers } from './git.js';
import { TreeError } from './port.js';

/** One request of git's smart HTTP protocol (gitprotocol-http(5)), already taken out of HTTP. */
export interface UploadPackRequest {
  /** What the client asks, bounded by the caller; absent: say what there is. */
  readonly input?: Uint8Array | undefined;
  /** The client's `Git-Protocol`. Anything but a single known version is ignored: the oldest one is spoken then. */
  readonly protocol?: string | undefined;
  readonly limits?: Partial<UploadPackLimits>;
}

export interface UploadPackLimits {
  /** From the first byte to the last. */
  readonly totalMs: number;
  /** How long git may say nothing, or its answer not be taken. */
  readonly idleMs: number;
}

/** 300 MB of kernel over a slow line take 50 minutes. */
export const longestAnswerMs = 3_600_000;
/** While git counts and compresses, it sends a keep-alive each 5 s. */
const defaultLimits: UploadPackLimits = { totalMs: longestAnswerMs, idleMs: 120_000 };

/**
 * What git does for a stranger: in one thread and bounded memory, at low priority. Clones without blobs and shallow ones cost less
 * than whole ones, so they are allowed; filters that make the server walk more (`sparse:oid`, deep `tree:`) are not.
 */
const settings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'uploadpack.allowFilter=true',
  'uploadpackfilter.allow=false',
  'uploadpackfilter.blob:none.allow=true',
  'uploadpackfilter.blob:limit.allow=true',
  'uploadpackfilter.tree.allow=true',
  'uploadpackfilter.tree.maxDepth=1',
  'pack.threads=1',
  'pack.windowMemory=64m',
  'pack.deltaCacheSize=64m',
  'core.bigFileThreshold=64m',
  'gc.auto=0',
];
const niceness = 10;

/** A `git upload-pack` that answers one request. It leads a process group, which is ended as a whole: packing is a child of its own. */
export class UploadPack {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<TreeError | undefined>;
  private readonly limits: UploadPackLimits;
  private readonly total: NodeJS.Timeout;
  private idle: NodeJS.Timeout | undefined;
  private broken: TreeError | undefined;
  private over = false;

  /** @param repository folder of a bare repository */
  constructor(repository: string, { input, protocol = '', limits }: UploadPackRequest) {
    this.limits = { ...defaultLimits, ...limits };
    const { totalMs } = this.limits;
    const flags = [...settings, `safe.directory=${repository}`].flatMap((setting) => ['-c', setting]);
    const mode = input === undefined ? ['--advertise-refs'] : [];
    const args = ['upload-pack', '--stateless-rpc', ...mode, '--strict', repository];
    const version = /^version=[0-2]$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {};
    this.child = spawn('git', [...flags, ...args], {
      stdio: 'pipe',
      cwd: repository,
      env: { ...gitEnvironment(), ...version },
      detached: true,
    });
    this.ended = endOf(this.child, args).finally(() => this.settle());
    this.total = setTimeout(
      () => this.break(new TreeError('timed-out', `git took longer than ${totalMs} ms`)),
      totalMs,
    );
    this.moved();
    yieldToOthers(this.child, niceness);
    // Git may end without reading all that it is told: its exit says what happened.
    this.child.stdin.on('error', () => undefined);
    this.child.stdin.end(input ?? '');
  }

  /**
   * The answer, as git makes it and no faster than it is taken; whoever stops taking it ends git.
   * @throws TreeError `tree-store-failed` where git refuses the request, `timed-out`
   */
  async *answer(): AsyncGenerator<Buffer> {
    let whole = false;
    let failure: unknown;
    try {
      for await (const chunk of this.child.stdout as AsyncIterable<Buffer>) {
        this.moved();
        yield chunk;
      }
      whole = true;
    } finally {
      if (!whole) this.stop();
      failure = await this.ended;
    }
    failure = this.broken ?? failure;
    if (failure !== undefined) throw failure;
  }

  /** Ends git now, however far it is. */
  stop(): void {
    this.break(new TreeError('tree-store-failed', 'the answer was not taken to its end'));
  }

  private break(why: TreeError): void {
    this.broken ??= why;
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL');
    }
  }

  private moved(): void {
    clearTimeout(this.idle);
    if (this.over) return;
    const { idleMs } = this.limits;
    this.idle = setTimeout(() => this.break(new TreeError('timed-out', `nothing moved for ${idleMs} ms`)), idleMs);
  }

  private settle(): void {
    this.over = true;
    clearTimeout(this.total);
    clearTimeout(this.idle);
  }
}
