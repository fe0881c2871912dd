import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { nextMessage } from '../child-message.js';
import type { Verdict } from './judge.js';
import type { Case } from './worker.js';

const program = fileURLToPath(new URL('worker.js', import.meta.url));
const startMs = 60_000;
const limitMs = 10_000;
/** A case that needs more than this brings its process down, and is a failure. */
const heapMegabytes = 512;

/** A worker process, ended and started anew when a case takes too long or brings it down. */
export class FuzzWorker {
  private child: ChildProcess | undefined;

  constructor(
    private readonly seeds: string,
    private readonly scratch: string,
    private readonly seed: number,
  ) {}

  /** Runs a case; never fails. */
  async run(one: Case): Promise<Verdict> {
    const child = await this.ready();
    child.send(one);
    const answer = await nextMessage(child, limitMs);
    if (typeof answer === 'object' && answer !== null) return answer as Verdict;
    await this.stop();
    const failure = answer === 'timed-out' ? `no end within ${limitMs} ms` : 'it brought the process down';
    return { outcome: 'failed', ms: limitMs, peakBytes: 0, inputBytes: 0, failure };
  }

  async stop(): Promise<void> {
    this.child?.kill('SIGKILL');
    this.child = undefined;
    await rm(this.scratch, { recursive: true, force: true });
  }

  private async ready(): Promise<ChildProcess> {
    if (this.child?.connected === true) return this.child;
    const execArgv = ['--expose-gc', `--max-old-space-size=${heapMegabytes}`, '--max-semi-space-size=4'];
    const child = fork(program, [this.seeds, this.scratch, String(this.seed)], { execArgv });
    this.child = child;
    const first = await nextMessage(child, startMs);
    if (first !== 'ready') throw new TypeError(`the worker doesn't start: ${String(first)}`);
    return child;
  }
}
