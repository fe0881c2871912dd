import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '#libs/hints';
import { afterHintMs, nextCheckInMs } from '../../apps/agent/src/domain/schedule.js';
import { checkInOf, type Machine } from './machines.js';
import { now } from './spread.js';

/** How a crowd came back that had lost the service. */
export interface Back {
  /** When each listened again, and when its check-in was answered, in ms since 1970. */
  readonly listening: readonly number[];
  readonly checkedIn: readonly number[];
  /** Attempts while nobody was there to answer. */
  readonly unanswered: number;
  /** What was answered with a refusal or with nothing, by what it was: a server that was there and didn't take its agent. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Nobody there: it hasn't started yet. */
const isAway = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ECONNREFUSED', 'ECONNRESET'].includes(String(error.code));

/** Brings agents back as the agent itself would: by its own waits, and with a check-in once it hears again. */
export class ComingBack {
  private readonly listening: number[] = [];
  private readonly checkedIn: number[] = [];
  private readonly refusals = new Map<string, number>();
  private unanswered = 0;

  constructor(
    private readonly feedPort: number,
    private readonly listen: (machine: Machine) => Promise<void>,
  ) {}

  async begin(machine: Machine): Promise<void> {
    const backoff = new Backoff();
    do await sleep(backoff.next());
    while (!(await this.tried(() => this.listen(machine))));
    this.listening.push(now());
    await sleep(afterHintMs(Math.random()));
    for (let failures = 1; !(await this.tried(() => this.checkIn(machine))); failures += 1) {
      await sleep(nextCheckInMs(failures, 0, Math.random()));
    }
    this.checkedIn.push(now());
  }

  /** Until `size` are back. */
  async all(size: number, limitMs: number): Promise<Back> {
    const deadline = performance.now() + limitMs;
    while (this.checkedIn.length < size && performance.now() < deadline) await sleep(20);
    const { listening, checkedIn, unanswered } = this;
    return { listening, checkedIn, unanswered, refusals: Object.fromEntries(this.refusals) };
  }

  private async tried(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (isAway(error)) this.unanswered += 1;
      else this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
      return false;
    }
  }

  private async checkIn(machine: Machine): Promise<void> {
    const request = await checkInOf(machine, ['connection: close']);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect({ port: this.feedPort, host: '127.0.0.1' }, () => socket.write(request));
      socket
        .on('data', (chunk) => (text += chunk.toString('latin1')))
        .once('error', reject)
        .once('close', () => resolve(text));
    });
    const status = answer.slice(9, 12);
    if (status !== '200' && status !== '304') throw new Error(`check-in: ${status === '' ? 'no answer' : status}`);
  }
}
