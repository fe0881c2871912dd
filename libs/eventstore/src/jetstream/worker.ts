import { setTimeout as wait } from 'node:timers/promises';
import { AckPolicy, type Consumer, DeliverPolicy, type JsMsg, nanos } from 'nats';
import { aggregateIdSchema } from '#libs/contracts';
import { decodeCommit } from '../commit-codec.js';
import { type Commit, EventStoreError, type StreamName, type Subscription, type WorkOptions } from '../port.js';
import {
  isCrashLoop,
  noTries,
  reasonOf,
  type Verdict,
  verdictOf,
  type WorkPolicy,
  workPolicy,
} from '../work-policy.js';
import { type DeadLetters, replayOrderSchema } from './dead-letters.js';
import { isNoConsumer, patiently } from './failures.js';
import { logStream, replayStream, replaySubject, streamOf } from './layout.js';
import type { Wire } from './wire.js';

/** A delivery, whichever stream it came from. */
interface Job {
  /** Names the delivery's record of tries. */
  readonly key: string;
  readonly position: number;
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

const waitForWorkMs = 20_000;
/** How long `stop` waits for work in hand; what is let go is delivered again. */
const stopPatienceMs = 5_000;
const maxAckPending = 1_000;

/** Starts a durable worker: `concurrency` lanes on the log, and one for replayed dead letters. */
export async function startWorker(
  wire: Wire,
  deadLetters: DeadLetters,
  options: WorkOptions,
  handler: (commit: Commit) => Promise<void>,
): Promise<Subscription> {
  // The name becomes a token of a subject.
  if (!aggregateIdSchema.safeParse(options.name).success) throw new TypeError(`${options.name} names no worker`);
  const worker = new Worker(wire, deadLetters, options, handler);
  await worker.prepare();
  return worker.run();
}

class Worker {
  private readonly policy: WorkPolicy;
  private readonly name: string;
  private readonly abort = new AbortController();

  constructor(
    private readonly wire: Wire,
    private readonly deadLetters: DeadLetters,
    private readonly options: WorkOptions,
    private readonly handler: (commit: Commit) => Promise<void>,
  ) {
    this.policy = workPolicy(options);
    this.name = options.name;
  }

  async prepare(): Promise<void> {
    await this.ensureConsumer(logStream);
    await this.ensureConsumer(replayStream, replaySubject(this.name));
  }

  run(): Subscription {
    const lanes = Array.from({ length: this.options.concurrency ?? 1 }, () =>
      this.lane(logStream, async (message) => ({
        key: String(message.seq),
        position: message.seq,
        stream: streamOf(message.subject),
        bytes: message.data,
      })),
    );
    lanes.push(this.lane(replayStream, (message) => this.replayedJob(message)));
    const closed = Promise.all(lanes).then(() => undefined);
    closed.catch(() => undefined);
    return {
      closed,
      stop: async () => {
        this.abort.abort();
        const patience = new AbortController();
        const tired = wait(stopPatienceMs, undefined, { signal: patience.signal }).catch(() => undefined);
        await Promise.race([closed.catch(() => undefined), tired]);
        patience.abort();
      },
    };
  }

  private async ensureConsumer(stream: string, subject?: string): Promise<void> {
    const { manager, patienceMs } = this.wire;
    const ack_wait = nanos(this.wire.ackWaitMs);
    await patiently(patienceMs, async () => {
      try {
        const { config } = await manager.consumers.info(stream, this.name);
        if (config.ack_wait !== ack_wait) await manager.consumers.update(stream, this.name, { ack_wait });
      } catch (error) {
        if (!isNoConsumer(error)) throw error;
        await manager.consumers.add(stream, {
          durable_name: this.name,
          ack_policy: AckPolicy.Explicit,
          deliver_policy: DeliverPolicy.All,
          ack_wait,
          max_ack_pending: maxAckPending,
          // Attempts are counted here: the server counts a postponement like a failure.
          max_deliver: -1,
          ...(subject === undefined ? {} : { filter_subject: subject }),
        });
      }
    });
  }

  /** Takes one delivery after the other until the worker is stopped; whatever goes wrong on the way, it goes on. */
  private async lane(stream: string, jobOf: (message: JsMsg) => Promise<Job>): Promise<void> {
    const { signal } = this.abort;
    for (let pauseMs = 50; !signal.aborted; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      try {
        const consumer = await this.wire.js.consumers.get(stream, this.name);
        for (;;) {
          const asked = Date.now();
          const message = await this.nextMessage(consumer);
          if (signal.aborted) {
            message?.nak();
            return;
          }
          if (message === undefined) {
            // A server that answers "nothing" at once (too many askers, for one) must not be asked without end.
            if (Date.now() - asked < 100) await wait(100, undefined, { signal }).catch(() => undefined);
            continue;
          }
          await this.attend(message, jobOf);
          pauseMs = 50;
        }
      } catch (error) {
        if (this.wire.isClosed) {
          if (signal.aborted) return;
          throw new EventStoreError('unavailable', 'the connection to the log is closed', { cause: error });
        }
        // Somebody removed the durable, or the server lost it: it begins anew, and repeated work is recognised.
        if (isNoConsumer(error)) await this.prepare().catch(() => undefined);
      }
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async nextMessage(consumer: Consumer): Promise<JsMsg | undefined> {
    const { signal } = this.abort;
    const batch = await consumer.fetch({ max_messages: 1, expires: waitForWorkMs });
    const stop = (): void => batch.stop();
    const forget = this.wire.onCut(stop);
    signal.addEventListener('abort', stop);
    try {
      if (signal.aborted) stop();
      for await (const message of batch) return message;
      if (this.wire.isClosed) throw new EventStoreError('unavailable', 'the connection to the log is closed');
      return undefined;
    } finally {
      forget();
      signal.removeEventListener('abort', stop);
    }
  }

  private async replayedJob(message: JsMsg): Promise<Job> {
    const { position } = replayOrderSchema.parse(message.json());
    const stored = await this.wire.message(logStream, { seq: position });
    if (stored === undefined) throw new TypeError(`the log has no position ${position}`);
    return { key: `r${message.seq}`, position, stream: streamOf(stored.subject), bytes: stored.data };
  }

  /** Sees one delivery through, with a sign of life while it lasts. */
  private async attend(message: JsMsg, jobOf: (message: JsMsg) => Promise<Job>): Promise<void> {
    const alive = setInterval(() => message.working(), this.wire.ackWaitMs / 3);
    try {
      const job = await jobOf(message);
      const verdict = await this.work(job, message.info.deliveryCount);
      if (verdict === undefined) {
        message.ack();
        if (message.info.deliveryCount > 1) await this.deadLetters.forgetTries(this.name, job.key);
      } else if (verdict.kind === 'retry') {
        await this.deadLetters.rememberTries(this.name, job.key, verdict.tries);
        message.nak(verdict.delayMs);
      } else {
        const { attempts, reason } = verdict;
        const { position, stream } = job;
        // First the letter, then the ack: whatever happens in between, it is not lost.
        await this.deadLetters.record({ worker: this.name, position, stream, attempts, reason });
        message.ack();
        await this.deadLetters.forgetTries(this.name, job.key);
      }
    } finally {
      clearInterval(alive);
    }
  }

  private async work(job: Job, deliveries: number): Promise<Verdict | undefined> {
    const before = deliveries === 1 ? noTries : await this.deadLetters.tries(this.name, job.key);
    const loop = isCrashLoop(deliveries, before, this.policy);
    if (loop !== undefined) return loop;
    let commit: Commit;
    try {
      commit = decodeCommit(job.stream, job.position, job.bytes);
    } catch (error) {
      // It can't be read by this program, so trying again doesn't help; after an upgrade it can be replayed.
      return { kind: 'give-up', attempts: before.failures + 1, reason: reasonOf(error) };
    }
    try {
      await this.handler(commit);
      return undefined;
    } catch (error) {
      this.options.onTrouble?.(error, commit, before.failures + 1);
      return verdictOf(error, before, this.policy);
    }
  }
}
