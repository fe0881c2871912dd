// One worker process at a time, ended and started anew when a fix takes too long or brings it down.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeriesEntry } from '#libs/trees';
import { nextMessage } from '../child-message.js';
import type { FixOutcome, WorkerSetup } from './outcome.js';

const program = fileURLToPath(new URL('worker.js', import.meta.url));
const startMs = 60_000;

export class FixWorker {
  private child: ChildProcess | undefined;

  constructor(
    private readonly setup: WorkerSetup,
    private readonly limitMs: number,
  ) {}

  /** What becomes of a fix; never fails. */
  async build(commit: SeriesEntry): Promise<FixOutcome> {
    const start = performance.now();
    const child = await this.ready();
    child.send(commit.commit);
    const answer = await nextMessage(child, this.limitMs);
    const isOutcome = typeof answer === 'object' && answer !== null && 'outcome' in answer;
    if (isOutcome) return answer as FixOutcome;
    this.stop();
    const why =
      typeof answer === 'object' && answer !== null && 'crashed' in answer ? String(answer.crashed) : String(answer);
    return {
      commit: commit.commit,
      subject: commit.subject,
      paths: commit.paths,
      outcome: answer === 'timed-out' ? 'timed-out' : 'crashed',
      reasons: [{ code: answer === 'timed-out' ? 'timed-out' : 'crashed', reason: why.slice(0, 4000) }],
      warnings: [],
      functions: [],
      objects: [],
      brings: [],
      seconds: (performance.now() - start) / 1000,
    };
  }

  stop(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private async ready(): Promise<ChildProcess> {
    if (this.child?.connected === true) return this.child;
    const child = fork(program, [JSON.stringify(this.setup)]);
    this.child = child;
    const first = await nextMessage(child, startMs);
    if (first !== 'ready') throw new TypeError(`the worker doesn't start: ${String(first)}`);
    return child;
  }
}
