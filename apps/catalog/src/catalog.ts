import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { currentVersion, type Digest, EventError, isEventType, type Series } from '#libs/contracts';
import { type Commit, EventStore, type RecordedEvent } from '#libs/eventstore';
import { TableWriter } from './adapters/table-writer.js';
import { Inbox } from './inbox.js';
import { SeriesSource } from './ports.js';
import { ProjectionError } from './projections/errors.js';
import type { Context } from './projections/read-model.js';

const batchSize = 500;
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
  private readonly stopping = new AbortController();
  private inbox: Inbox<Commit> | undefined;
  private working: Promise<void> = Promise.resolve();
  private current: ProjectionStatus = { state: 'starting', position: 0 };

  constructor(
    private readonly events: EventStore,
    private readonly series: SeriesSource,
    private readonly writer: TableWriter,
  ) {}

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
    this.working = this.run();
  }

  /** Finishes the batch in hand. What was only heard of is read from the log again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.inbox?.close();
    await this.working;
  }

  /** Follows the log, from the checkpoint anew whenever the surroundings fail. */
  private async run(): Promise<void> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, longestRetryMs)) {
      const before = this.current.position;
      try {
        await this.follow();
        return;
      } catch (error) {
        if (isFinal(error)) return this.halt(error);
        if (this.current.position > before) delayMs = firstRetryMs;
        this.current = { ...this.current, state: 'retrying', error: messageOf(error) };
        this.log.warn(`after position ${this.current.position}: ${messageOf(error)}; again in ${delayMs} ms`);
      }
      await sleep(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
    }
  }

  private async follow(): Promise<void> {
    const position = await this.writer.checkpoint();
    this.current = { ...this.current, position };
    const inbox = new Inbox<Commit>(2 * batchSize);
    this.inbox = inbox;
    if (this.stopping.signal.aborted) return;
    const subscription = this.events.subscribe({ from: position + 1 }, (commit) => inbox.put(commit));
    subscription.closed.catch((error: unknown) => inbox.fail(error));
    try {
      this.current = { state: 'running', position };
      for (let commits = await inbox.take(batchSize); commits.length > 0; commits = await inbox.take(batchSize)) {
        await this.applyReadable(commits);
      }
    } finally {
      inbox.close();
      await subscription.stop();
    }
  }

  /** Applies what comes before the first event that it can't read, and then says so. */
  private async applyReadable(commits: readonly Commit[]): Promise<void> {
    const unreadable = commits.findIndex((commit) => commit.events.some((event) => unreadableIn(event) !== undefined));
    await this.applyAsFarAsPossible(unreadable < 0 ? commits : commits.slice(0, unreadable));
    const error = commits[unreadable]?.events.map(unreadableIn).find((one) => one !== undefined);
    if (error !== undefined) throw error;
  }

  /** Applies a batch in one transaction; if one of its commits will never work, those before it one by one. */
  private async applyAsFarAsPossible(commits: readonly Commit[]): Promise<void> {
    try {
      await this.apply(commits);
    } catch (error) {
      if (!isFinal(error) || commits.length === 1) throw error;
      for (const commit of commits) await this.apply([commit]);
    }
  }

  private async apply(commits: readonly Commit[]): Promise<void> {
    const context = await this.contextOf(commits);
    const position = await this.writer.write(this.current.position, commits, context);
    this.current = { state: 'running', position };
  }

  /** Reads the blobs that the folds will need, before the transaction begins. */
  private async contextOf(commits: readonly Commit[]): Promise<Context> {
    const read = new Map<Digest, Series>();
    for (const { fact } of commits.flatMap((commit) => commit.events)) {
      if (fact.type === 'DropSplit') read.set(fact.data.series, await this.series.read(fact.data.series));
    }
    return {
      series(digest) {
        const series = read.get(digest);
        if (series === undefined) throw new Error(`series ${digest} was not read`);
        return series;
      },
    };
  }

  private halt(error: unknown): void {
    this.current = { state: 'stopped', position: this.current.position, error: messageOf(error) };
    this.log.error(`the projection stopped after position ${this.current.position}: ${messageOf(error)}`);
  }
}

/** What keeps this program from reading an event. */
function unreadableIn({ position, envelope: { type, v } }: RecordedEvent): EventError | undefined {
  if (!isEventType(type)) {
    return new EventError('unknown-event-type', `position ${position}: event type ${type} is not known here`);
  }
  return v > currentVersion(type)
    ? new EventError(
        'newer-event-version',
        `position ${position}: ${type} v${v} is newer than this program: upgrade it`,
      )
    : undefined;
}

/** Errors that no retry cures. */
function isFinal(error: unknown): boolean {
  return error instanceof ProjectionError || error instanceof EventError;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
