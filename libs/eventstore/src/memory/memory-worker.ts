import { aggregateIdSchema } from '#libs/contracts';
import { decodeCommit } from '../commit-codec.js';
import type { Commit, Subscription, WorkOptions } from '../port.js';
import { isCrashLoop, reasonOf, type Verdict, verdictOf, workPolicy } from '../work-policy.js';
import type { Delivery, MemoryLog } from './memory-log.js';

const idleMs = 20;

/** Runs a durable worker for the store `holder`; `killed` is the death of its process. */
export function startMemoryWorker(
  log: MemoryLog,
  holder: object,
  killed: AbortSignal,
  options: WorkOptions,
  handler: (commit: Commit) => Promise<void>,
): Subscription {
  if (!aggregateIdSchema.safeParse(options.name).success) throw new TypeError(`${options.name} names no worker`);
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, killed]);
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const delivery = log.isDown ? undefined : log.take(options.name, holder);
      if (delivery === undefined) await log.nextChange(idleMs, signal);
      else await attend(log, delivery, killed, options, handler);
    }
  };
  const closed = Promise.all(Array.from({ length: options.concurrency ?? 1 }, lane)).then(() => undefined);
  return {
    closed,
    async stop() {
      stopped.abort();
      // A dead process waits for nobody.
      if (!killed.aborted) await closed;
    },
  };
}

async function attend(
  log: MemoryLog,
  delivery: Delivery,
  killed: AbortSignal,
  options: WorkOptions,
  handler: (commit: Commit) => Promise<void>,
): Promise<void> {
  const verdict = await judge(log, delivery, options, handler);
  // Whatever the handler of a dead process returns, nobody hears it.
  if (killed.aborted) return;
  const { deliveries } = log.worker(options.name);
  if (verdict === undefined) {
    deliveries.delete(delivery.key);
  } else if (verdict.kind === 'retry') {
    delivery.tries = verdict.tries;
    delivery.dueAt = Date.now() + verdict.delayMs;
    delivery.holder = undefined;
  } else {
    const { position } = delivery;
    const id = `${options.name}.${position}`;
    const { stream } = commitAt(log, position);
    const { attempts, reason } = verdict;
    // Recorded anew it is the youngest.
    log.letters.delete(id);
    log.letters.set(id, {
      id,
      worker: options.name,
      position,
      stream,
      attempts,
      reason,
      at: new Date().toISOString(),
    });
    deliveries.delete(delivery.key);
  }
}

async function judge(
  log: MemoryLog,
  delivery: Delivery,
  options: WorkOptions,
  handler: (commit: Commit) => Promise<void>,
): Promise<Verdict | undefined> {
  const policy = workPolicy(options);
  const { tries } = delivery;
  const loop = isCrashLoop(delivery.deliveries, tries, policy);
  if (loop !== undefined) return loop;
  const { stream, position, bytes } = commitAt(log, delivery.position);
  let commit: Commit;
  try {
    commit = decodeCommit(stream, position, bytes);
  } catch (error) {
    return { kind: 'give-up', attempts: tries.failures + 1, reason: reasonOf(error) };
  }
  try {
    await handler(commit);
    return undefined;
  } catch (error) {
    options.onTrouble?.(error, commit, tries.failures + 1);
    return verdictOf(error, tries, policy);
  }
}

function commitAt(log: MemoryLog, position: number): MemoryLog['commits'][number] {
  const commit = log.commits[position - 1];
  if (commit === undefined) throw new RangeError(`the log has no position ${position}`);
  return commit;
}
