import { currentVersion, EventError, isEventType } from '#libs/contracts';
import { type Commit, EventStore, type RecordedEvent } from '#libs/eventstore';
import type { TableWriter } from './adapters/table-writer.js';
import { contextOf } from './fold-context.js';
import { Inbox } from './inbox.js';
import { Documents } from './ports.js';
import { ProjectionError } from './projections/errors.js';

/** How far to fold, and who hears of it. */
export interface FoldOptions {
  /** The last commit to fold; without it the log is followed until the signal. */
  readonly until?: number;
  readonly signal: AbortSignal;
  /** Commits a transaction at the most: fewer where fewer have come, so that a single event is written at once. */
  readonly batchCommits: number;
  /** The tables hold all up to this position. Told of the checkpoint first, then of each transaction. */
  readonly onPosition?: (position: number, events: number) => void;
}

/** Folds the log into tables, in order, from where they stand. */
export class Folding {
  private position = 0;

  constructor(
    private readonly events: EventStore,
    private readonly documents: Documents,
    private readonly writer: TableWriter,
  ) {}

  /**
   * @returns the position that the tables are at in the end
   * @throws EventError, ProjectionError: it can't go on past an event, now or later, and all before that is in the tables. Whatever else
   * is thrown may pass.
   */
  async fold({ until, signal, batchCommits, onPosition }: FoldOptions): Promise<number> {
    this.position = await this.writer.checkpoint();
    onPosition?.(this.position, 0);
    const last = until ?? Infinity;
    if (this.position >= last || signal.aborted) return this.position;
    const inbox = new Inbox<Commit>(2 * batchCommits);
    const close = (): void => inbox.close();
    signal.addEventListener('abort', close);
    const subscription = this.events.subscribe({ from: this.position + 1 }, (commit) => inbox.put(commit));
    subscription.closed.catch((error: unknown) => inbox.fail(error));
    try {
      while (this.position < last) {
        const taken = await inbox.take(batchCommits);
        const commits = taken.filter((commit) => commit.position <= last);
        await this.applyReadable(commits, onPosition);
        // Nothing is taken once it is closed; what lies past the end says that there is nothing more before it.
        if (commits.length < taken.length || taken.length === 0) break;
      }
      return this.position;
    } finally {
      signal.removeEventListener('abort', close);
      inbox.close();
      await subscription.stop();
    }
  }

  /** Applies what comes before the first event that it can't read, and then says so. */
  private async applyReadable(commits: readonly Commit[], told: FoldOptions['onPosition']): Promise<void> {
    const unreadable = commits.findIndex((commit) => commit.events.some((event) => unreadableIn(event) !== undefined));
    await this.applyAsFarAsPossible(unreadable < 0 ? commits : commits.slice(0, unreadable), told);
    const error = commits[unreadable]?.events.map(unreadableIn).find((one) => one !== undefined);
    if (error !== undefined) throw error;
  }

  /** Applies a batch in one transaction; if one of its commits will never work, those before it one by one. */
  private async applyAsFarAsPossible(commits: readonly Commit[], told: FoldOptions['onPosition']): Promise<void> {
    try {
      await this.apply(commits, told);
    } catch (error) {
      if (!isFinal(error) || commits.length === 1) throw error;
      for (const commit of commits) await this.apply([commit], told);
    }
  }

  private async apply(commits: readonly Commit[], told: FoldOptions['onPosition']): Promise<void> {
    if (commits.length === 0) return;
    const context = await contextOf(commits, this.documents);
    this.position = await this.writer.write(this.position, commits, context);
    told?.(
      this.position,
      commits.reduce((sum, commit) => sum + commit.events.length, 0),
    );
  }
}

/** Errors that no retry cures. */
export function isFinal(error: unknown): boolean {
  return error instanceof ProjectionError || error instanceof EventError;
}

/** What keeps this program from reading an event. */
export function unreadableIn({ position, envelope: { type, v } }: RecordedEvent): EventError | undefined {
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
