import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { EventStore } from '#libs/eventstore';
import { Metrics, Readiness } from '#libs/service';
import { TableWriter } from './adapters/table-writer.js';
import { Folding, isFinal } from './folding.js';
import { Documents } from './ports.js';

const batchCommits = 500;
const firstRetryMs = 50;
const longestRetryMs = 10_000;
const longestWaitMs = 1_000;

export interface ProjectionStatus {
  /** `retrying`: the last attempt failed and is made again. `stopped`: it can't go on past an event, now or later. */
  readonly state: 'starting' | 'running' | 'retrying' | 'stopped';
  /** Position of the last commit whose rows are in the tables. */
  readonly position: number;
  /** Why it is retrying or stopped. */
  readonly error?: string;
}

/**
 * Follows the whole log into the tables. An event that it can't read stops it where it stands, visibly: a projection that
 * skips is wrong for ever.
 */
@Injectable()
export class Catalog implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('catalog');
  private readonly folding: Folding;
  private stopping = new AbortController();
  private isEnded = false;
  private working: Promise<void> = Promise.resolve();
  private current: ProjectionStatus = { state: 'starting', position: 0 };

  constructor(
    private readonly events: EventStore,
    documents: Documents,
    writer: TableWriter,
    metrics?: Metrics,
    readiness?: Readiness,
  ) {
    this.folding = new Folding(events, documents, writer);
    if (metrics !== undefined) this.tell(metrics);
    readiness?.needs(() =>
      this.current.state === 'stopped' ? `the catalog stopped: ${this.current.error ?? ''}` : undefined,
    );
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }

  status(): ProjectionStatus {
    return this.current;
  }

  /**
   * Waits until the tables show a position, so that who changed something reads it back. It waits for a moment only: the log
   * has it already, and the tables may be far behind or stopped.
   */
  async reached(position: number): Promise<void> {
    const deadline = Date.now() + longestWaitMs;
    while (this.current.position < position && Date.now() < deadline) {
      if (this.current.state === 'stopped' || this.current.state === 'retrying') return;
      await sleep(2);
    }
  }

  start(): void {
    this.stopping = new AbortController();
    this.working = this.run(this.stopping.signal);
  }

  /** Finishes the batch in hand. What was only heard of is read from the log again. */
  async stop(): Promise<void> {
    this.isEnded = true;
    await this.pause();
  }

  /** Does something while nothing is written into the tables, which are then followed from where they stand. */
  async whilePaused<T>(work: () => Promise<T>): Promise<T> {
    await this.pause();
    try {
      return await work();
    } finally {
      if (!this.isEnded) this.start();
    }
  }

  private async pause(): Promise<void> {
    this.stopping.abort();
    await this.working;
  }

  /** Follows the log, from the checkpoint anew whenever the surroundings fail. */
  private async run(signal: AbortSignal): Promise<void> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, longestRetryMs)) {
      const before = this.current.position;
      try {
        const onPosition = (position: number): void => void (this.current = { state: 'running', position });
        await this.folding.fold({ signal, batchCommits, onPosition });
        return;
      } catch (error) {
        if (isFinal(error)) return this.halt(error);
        if (this.current.position > before) delayMs = firstRetryMs;
        this.current = { ...this.current, state: 'retrying', error: messageOf(error) };
        this.log.warn(`after position ${this.current.position}: ${messageOf(error)}; again in ${delayMs} ms`);
      }
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  private halt(error: unknown): void {
    this.current = { state: 'stopped', position: this.current.position, error: messageOf(error) };
    this.log.error(`the projection stopped after position ${this.current.position}: ${messageOf(error)}`);
  }

  private tell(metrics: Metrics): void {
    const labels = { projection: 'catalog' };
    metrics.watch({
      name: 'projection_position',
      help: 'Position of the last commit that a projection has folded',
      labels,
      read: () => this.current.position,
    });
    metrics.watch({
      name: 'projection_lag_commits',
      help: 'How many positions a projection is behind the log',
      labels,
      read: async () => Math.max(0, (await this.events.lastPosition()) - this.current.position),
    });
    metrics.watch({
      name: 'projection_stopped',
      help: 'Whether a projection stands before an event that it can not go past',
      labels,
      read: () => (this.current.state === 'stopped' ? 1 : 0),
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
