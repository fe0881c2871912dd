import { setTimeout as sleep } from 'node:timers/promises';
import { connectHints, type HintConnection } from '#libs/hints';
import type { Agent } from './agent.js';
import { Alarm } from './alarm.js';
import { afterHintMs, nextCheckInMs } from './domain/schedule.js';
import type { AgentContext } from './context.js';
import { AgentError } from './errors.js';

export interface DaemonOptions {
  /** Usual time between check-ins; hints come between. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** Rings when somebody wants a check-in now. */
  readonly alarm: Alarm;
}

const unregisteredWaitMs = 10_000;

/**
 * Keeps the machine patched until `signal`: first what ran before the boot, before there is a network; then a check-in at once,
 * at each hint, and now and then.
 */
export async function runDaemon(context: AgentContext, agent: Agent, options: DaemonOptions): Promise<void> {
  const { signal, alarm, pollMs } = options;
  const hints = new HintListener(context, alarm);
  signal.addEventListener('abort', () => alarm.ring(), { once: true });
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

/** Listens where the lease says, and moves when a new one says otherwise. */
class HintListener {
  private connection: HintConnection | undefined;
  private source = '';

  constructor(
    private readonly context: AgentContext,
    private readonly alarm: Alarm,
  ) {}

  async follow(): Promise<void> {
    const { state, log } = this.context;
    const registration = await state.registration.read();
    const lease = await state.lease.read();
    if (registration === undefined || lease === undefined) return;
    const { host = new URL(registration.url).hostname, port, user, password, subjects } = lease.answer.hints;
    const source = JSON.stringify([host, port, user, password, subjects]);
    if (source === this.source) return;
    await this.close();
    this.source = source;
    const at = `${host}:${port}`;
    this.connection = await connectHints({
      servers: `nats://${at}`,
      user,
      password,
      subjects,
      onHint: ({ action, bundleId }) => {
        log(`hint: ${bundleId} ${action}`);
        this.alarm.ring();
      },
      onStatus: (status) => {
        log(
          status === 'connected' ? `listening for hints at ${at}` : `no hints from ${at} for now; asking now and then`,
        );
        // Some may have been missed meanwhile.
        if (status === 'connected') this.alarm.ring();
      },
    });
  }

  async close(): Promise<void> {
    await this.connection?.close();
    this.connection = undefined;
    this.source = '';
  }
}
