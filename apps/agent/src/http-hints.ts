import { setTimeout as sleep } from 'node:timers/promises';
import type { Hint } from '#libs/contracts';
import { Backoff } from '#libs/hints';
import type { Hearing } from './domain/status.js';
import { AgentError } from './errors.js';
import type { FeedService } from './ports.js';

export interface HttpHintsOptions {
  readonly feed: FeedService;
  readonly machineId: string;
  /** It begins within this time, at random, in ms. */
  readonly fallbackMs: number;
  readonly onHint: (hint: Hint) => void;
  /** What isn't expected. */
  readonly onTrouble: (error: unknown) => void;
  readonly onTransport: (transport: Hearing['transport']) => void;
}

/** After so many polls, half an hour, streams are tried again: whoever broke them may be gone. */
const pollsBeforeStream = 90;
/** Shorter than the half minute after which proxies end what is silent. */
const pollSec = 20;

/**
 * Hears of news over HTTP from `start` to `stop`: as server-sent events, or where something on the way doesn't let those pass, as long polls; and
 * where neither works, it tries again later. Asks since what it heard last, so that nothing is missed in between.
 */
export class HttpHints {
  private since: number | undefined;
  private stopping: AbortController | undefined;

  constructor(private readonly options: HttpHintsOptions) {}

  /** Heard by another way. */
  heardOf(position: number | undefined): void {
    if (position !== undefined) this.since = Math.max(position, this.since ?? 0);
  }

  start(): void {
    if (this.stopping !== undefined) return;
    this.stopping = new AbortController();
    void this.run(this.stopping.signal);
  }

  stop(): void {
    this.stopping?.abort();
    this.stopping = undefined;
  }

  private async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    await pause(Math.random() * this.options.fallbackMs, signal);
    while (!signal.aborted) {
      const passes = (await this.stream(signal, backoff)) || (await this.polls(signal, backoff));
      if (signal.aborted) return;
      if (!passes) this.options.onTransport('polling');
      await pause(backoff.next(), signal);
    }
  }

  /** @returns whether events came through at all, before it ended. */
  private async stream(signal: AbortSignal, backoff: Backoff): Promise<boolean> {
    let passes = false;
    await this.settled(async () => {
      const { feed, machineId } = this.options;
      for await (const { position, hint } of feed.hintStream(machineId, this.since, signal)) {
        if (signal.aborted) return;
        if (!passes) this.options.onTransport('sse');
        passes = true;
        backoff.reset();
        // Where it begins is no news: what was missed comes after it, and may still break off.
        if (hint !== undefined || this.since === undefined) this.since = position;
        if (hint !== undefined) this.options.onHint(hint);
      }
    });
    return passes;
  }

  /** @returns whether one was answered. */
  private async polls(signal: AbortSignal, backoff: Backoff): Promise<boolean> {
    let passes = false;
    await this.settled(async () => {
      const { feed, machineId } = this.options;
      for (let n = 0; n < pollsBeforeStream && !signal.aborted; n += 1) {
        // The first one only sees whether one is answered at all.
        const asked = { since: this.since, waitSec: n === 0 ? 0 : pollSec };
        const { position, hints } = await feed.hints(machineId, asked, signal);
        if (signal.aborted) return;
        if (!passes) this.options.onTransport('long-poll');
        passes = true;
        backoff.reset();
        this.since = position;
        for (const hint of hints) this.options.onHint(hint);
      }
    });
    return passes;
  }

  /** Whatever breaks is tried again; what the service says against this machine, the check-in tells. */
  private async settled(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AgentError)) this.options.onTrouble(error);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
