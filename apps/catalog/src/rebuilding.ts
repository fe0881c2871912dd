import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EventStore } from '#libs/eventstore';
import { Clock, Problem } from '#libs/service';
import { CatalogDatabase } from './adapters/database.js';
import type { SecondDatabase } from './adapters/second-database.js';
import { type Comparison, compareTables } from './adapters/table-comparison.js';
import { TableWriter } from './adapters/table-writer.js';
import { Catalog } from './catalog.js';
import { Folding } from './folding.js';
import { Documents } from './ports.js';
import { Pace } from './rebuild-pace.js';

const batchCommits = 4_000;
/** So few commits are folded in the time for which nothing is written into the tables that serve. */
const shortWay = 1_000;

export type RebuildPhase = 'folding' | 'indexing' | 'comparing' | 'switching' | 'switched' | 'compared' | 'failed';

export interface RebuildStatus {
  readonly state: RebuildPhase | 'none';
  /** How far the second set of tables is, and the position that it goes to. */
  readonly position: number;
  readonly target: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Until it is folded. Absent while nobody can know. */
  readonly secondsLeft?: number;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** What serves and what was rebuilt, at the same position of the log. */
  readonly comparison?: Comparison & { readonly position: number };
  readonly error?: string;
}

export interface RebuildOptions {
  /** Compare, and leave what serves in its place. */
  readonly compareOnly: boolean;
}

/**
 * Folds the whole log once more, into tables beside those that serve, says whether they are equal, and has the new ones serve. Until then
 * nothing is changed: whatever ends it, the process's death included, leaves what serves as it is.
 */
@Injectable()
export class Rebuilding implements OnModuleDestroy {
  private readonly log = new Logger('rebuild');
  private readonly stopping = new AbortController();
  private working: Promise<void> | undefined;
  private current: RebuildStatus = nothing;
  private pace = new Pace();

  constructor(
    private readonly database: CatalogDatabase,
    private readonly catalog: Catalog,
    private readonly events: EventStore,
    private readonly documents: Documents,
    private readonly clock: Clock,
  ) {}

  status(): RebuildStatus {
    const { position, target } = this.current;
    return { ...this.current, ...(this.current.state === 'folding' ? this.pace.told(target - position) : {}) };
  }

  /** Begins a rebuild. @throws Problem 409 while one is under way */
  start(options: RebuildOptions): RebuildStatus {
    if (this.working !== undefined) {
      throw new Problem({
        status: 409,
        code: 'rebuild-under-way',
        title: 'A rebuild is under way',
        detail: 'follow it with GET /v1/catalog/rebuild',
      });
    }
    this.pace = new Pace();
    this.current = { ...nothing, state: 'folding', startedAt: this.clock.now().toISOString() };
    this.working = this.run(options).finally(() => (this.working = undefined));
    return this.status();
  }

  /** Waits until what is under way has ended. */
  async ended(): Promise<RebuildStatus> {
    await this.working;
    return this.status();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.working;
  }

  private async run(options: RebuildOptions): Promise<void> {
    let second: SecondDatabase | undefined;
    try {
      second = await this.database.openSecond();
      await this.rebuild(second, options);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.change({ state: 'failed', error: message });
      this.log.error(`what serves was left as it is: ${message}`);
    } finally {
      if (second !== undefined && this.current.state !== 'switched') await this.discard(second);
      this.change({ endedAt: this.clock.now().toISOString() });
    }
  }

  private async rebuild(second: SecondDatabase, { compareOnly }: RebuildOptions): Promise<void> {
    const folding = new Folding(this.events, this.documents, new TableWriter(second));
    await this.fold(folding, this.servingPosition());
    this.change({ state: 'indexing' });
    await second.settle();
    await this.compare(second, folding);
    if (compareOnly) return this.change({ state: 'compared' });
    // What came meanwhile is folded while the old tables are still followed, so that they stand still for a moment only.
    while (this.servingPosition() - this.current.position > shortWay) await this.fold(folding, this.servingPosition());
    await this.catalog.whilePaused(async () => {
      await this.fold(folding, this.servingPosition());
      this.change({ state: 'switching' });
      await this.database.switchTo(second);
      this.change({ state: 'switched' });
    });
    this.log.log(`the rebuilt tables serve, from position ${this.current.position} on`);
  }

  private async compare(second: SecondDatabase, folding: Folding): Promise<void> {
    const snapshot = await this.database.snapshot();
    try {
      const [checkpoint] = await snapshot.query('SELECT MAX("position") AS "position" FROM "checkpoints"');
      const position = Number(checkpoint?.['position'] ?? 0);
      await this.fold(folding, position);
      this.change({ state: 'comparing' });
      const rebuilt = (sql: string, parameters: readonly unknown[] = []) => {
        this.stopping.signal.throwIfAborted();
        return second.query(sql, parameters);
      };
      const comparison = await compareTables(snapshot.query, rebuilt, this.database.bytewise);
      this.change({ comparison: { position, ...comparison } });
      const differing = comparison.different.map(({ table }) => table).join(', ');
      if (!comparison.equal) this.log.warn(`at position ${position} what serves differs in ${differing}`);
    } finally {
      await snapshot.close();
    }
  }

  private async fold(folding: Folding, target: number): Promise<void> {
    const { signal } = this.stopping;
    this.change({ state: 'folding', target });
    const onPosition = (position: number, events: number): void => {
      this.pace.add(events, position);
      this.change({ position, events: this.current.events + events });
    };
    await folding.fold({ until: target, signal, batchCommits, onPosition });
    if (signal.aborted) throw new Error('the service stopped');
  }

  /** As far as the tables that serve are. */
  private servingPosition(): number {
    return this.catalog.status().position;
  }

  private async discard(second: SecondDatabase): Promise<void> {
    await second
      .discard()
      .catch((error: unknown) => this.log.warn(`what was rebuilt is left behind: ${String(error)}`));
  }

  private change(change: Partial<RebuildStatus>): void {
    this.current = { ...this.current, ...change };
  }
}

const nothing: RebuildStatus = { state: 'none', position: 0, target: 0, events: 0, eventsPerSecond: 0 };
