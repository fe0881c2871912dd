import { setTimeout as wait } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, nanos, NatsError } from 'nats';
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
import type { Delivery } from './delivery.js';
import { pull } from './pull.js';
import { type DeadLetters, replayOrderSchema } from './dead-letters.js';
import { isNoConsumer } from './failures.js';
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
      this.lane(logStream, async (delivery) => ({
        key: String(delivery.seq),
        position: delivery.seq,
        stream: streamOf(delivery.subject),
        bytes: delivery.data,
      })),
    );
    lanes.push(this.lane(replayStream, (delivery) => this.replayedJob(delivery)));
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
    const { manager } = this.wire;
    const ack_wait = nanos(this.wire.ackWaitMs);
    await this.wire.ask(async () => {
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
  private async lane(stream: string, jobOf: (delivery: Delivery) => Promise<Job>): Promise<void> {
    const { signal } = this.abort;
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      try {
        const asked = { stream, consumer: this.name, batch: 1, giveBack: true, signal };
        for await (const deliveries of pull(this.wire, asked)) {
          for (const delivery of deliveries) await this.attend(delivery, jobOf);
          pauseMs = 20;
        }
        // Somebody may have removed the durable: then it begins anew, and repeated work is recognised.
        if (!signal.aborted && !this.wire.isClosed) await this.prepare();
      } catch (error) {
        if (!(error instanceof EventStoreError || error instanceof NatsError)) throw error;
      }
      if (signal.aborted) return;
      if (this.wire.isClosed) throw new EventStoreError('unavailable', 'the connection to the log is closed');
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async replayedJob(delivery: Delivery): Promise<Job> {
    const { position } = replayOrderSchema.parse(JSON.parse(Buffer.from(delivery.data).toString()));
    const stored = await this.wire.message(logStream, { seq: position });
    if (stored === undefined) throw new TypeError(`the log has no position ${position}`);
    return { key: `r${delivery.seq}`, position, stream: streamOf(stored.subject), bytes: stored.data };
  }

  /** Sees one delivery through, with a sign of life while it lasts. */
  private async attend(delivery: Delivery, jobOf: (delivery: Delivery) => Promise<Job>): Promise<void> {
    const alive = setInterval(() => delivery.working(), this.wire.ackWaitMs / 3);
    try {
      const job = await jobOf(delivery);
      const verdict = await this.work(job, delivery.deliveries);
      if (verdict === undefined) {
        delivery.ack();
        if (delivery.deliveries > 1) await this.deadLetters.forgetTries(this.name, job.key);
      } else if (verdict.kind === 'retry') {
        await this.deadLetters.rememberTries(this.name, job.key, verdict.tries);
        delivery.nak(verdict.delayMs);
      } else {
        const { attempts, reason } = verdict;
        const { position, stream } = job;
        // First the letter, then the ack: whatever happens in between, it is not lost.
        await this.deadLetters.record({ worker: this.name, position, stream, attempts, reason });
        delivery.ack();
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
