import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from './agent.js';
import type { Alarm } from './alarm.js';
import { afterHintMs, nextCheckInMs } from './domain/schedule.js';
import type { AgentContext } from './context.js';
import { AgentError } from './errors.js';
import { HintListener } from './hint-listener.js';
import { prepare } from './preparation.js';

export interface DaemonOptions {
  /** Usual time between check-ins; hints come between. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** Rings when somebody wants a check-in now. */
  readonly alarm: Alarm;
  /** Within which time it goes over to HTTP where NATS is silent, in ms. */
  readonly fallbackMs?: number;
}

const unregisteredWaitMs = 10_000;

/**
 * Keeps the machine patched until `signal`: first what ran before the boot, before there is a network; then a check-in at once,
 * at each hint, and now and then.
 * @throws AgentError `self-test-failed`, before anything is done.
 */
export async function runDaemon(context: AgentContext, agent: Agent, options: DaemonOptions): Promise<void> {
  const { signal, alarm, pollMs, fallbackMs } = options;
  const hints = new HintListener(context, alarm, fallbackMs);
  signal.addEventListener('abort', () => alarm.ring(), { once: true });
  await prepare(context);
  await attempt(context, async () => agent.resume());
  let failures = 0;
  while (!signal.aborted) {
    const failure = await attempt(context, async () => agent.upgrade());
    failures = failure === undefined ? 0 : failures + 1;
    await attempt(context, async () => hints.follow());
    if (signal.aborted) break;
    const waitMs = nextCheckInMs(failures, pollMs, Math.random());
    const rang = await alarm.wait(failure?.code === 'not-registered' ? unregisteredWaitMs : waitMs);
    if (rang && !signal.aborted) await sleep(afterHintMs(Math.random()));
  }
  await hints.close();
  context.log('stopped; what is applied stays');
}

/** Nothing that goes wrong with one round may end the daemon; what isn't expected is said in full. */
async function attempt(context: AgentContext, work: () => Promise<unknown>): Promise<AgentError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const known = error instanceof AgentError ? error : new AgentError('not-done', describe(error));
    context.log(`${known.code}: ${known.message}${known.advice === undefined ? '' : ` (${known.advice})`}`);
    return known;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
