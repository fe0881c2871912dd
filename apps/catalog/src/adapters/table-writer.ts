import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Commit, RecordedEvent } from '#libs/eventstore';
import { ProjectionError } from '../projections/errors.js';
import { foldRows, listRows } from '../projections/fold.js';
import { readModels } from '../projections/index.js';
import type { Context, Folded, ReadModel } from '../projections/read-model.js';
import { fromStored, type Placed, type Table } from '../projections/table.js';
import { BulkWrites } from './bulk-writes.js';
import { checkpointEntity } from './checkpoint.js';
import { CatalogDatabase } from './database.js';
import { RowCache } from './row-cache.js';
import { selectRows } from './select.js';
import type { Tables } from './tables.js';

const projection = 'catalog';
const maxKeysAtOnce = 500;

/** Writes what the read models make of commits, together with how far the log has been read. */
@Injectable()
export class TableWriter {
  private readonly known = new RowCache();

  constructor(@Inject(CatalogDatabase) private readonly tables: Tables) {}

  /** Position of the last commit whose rows are in the tables; 0 at the beginning. To be asked before the first `write`. */
  async checkpoint(): Promise<number> {
    const [row] = await this.tables.query('SELECT "position" FROM "checkpoints" WHERE "name" = $1', [projection]);
    const position = Number(row?.['position'] ?? 0);
    this.known.clear(position === 0);
    return position;
  }

  /**
   * Folds commits into the tables. Rows and checkpoint become visible at once or not at all, so a crash at any moment loses
   * nothing and repeats nothing.
   * @param from the checkpoint that these commits follow
   * @throws ProjectionError; `checkpoint-moved` if another process has written
   */
  async write(from: number, commits: readonly Commit[], context: Context): Promise<number> {
    const last = commits.at(-1);
    if (last === undefined) return from;
    const events = commits.flatMap((commit) => commit.events);
    try {
      await this.tables.write(async (manager) => {
        const writes = new BulkWrites(manager);
        try {
          for (const model of readModels) await this.writeModel({ manager, writes }, model, events, context);
        } finally {
          // Nothing may be under way when the transaction is ended: it would be carried out after it.
          await writes.done();
        }
        await saveCheckpoint(manager, from, last.position);
      });
    } catch (error) {
      this.known.clear(false);
      throw error;
    }
    return last.position;
  }

  private async writeModel(
    { manager, writes }: { readonly manager: EntityManager; readonly writes: BulkWrites },
    model: ReadModel,
    all: readonly RecordedEvent[],
    context: Context,
  ): Promise<void> {
    const events = all.filter((event) => model.handles.has(event.fact.type));
    if (events.length === 0) return;
    if (model.kind === 'listed') return writes.upsert(model.table, listRows(model, events, context), 'keep');
    const { rows, past } = foldRows(model, await this.rowsBefore(manager, model, events), events);
    await writes.upsert(model.table, [...rows.values()], 'replace');
    if (model.table.past !== undefined) await writes.upsert(model.table.past, past, 'keep');
    this.known.keep(model.table, rows);
  }

  /** The rows, as they are, that some events change. */
  private async rowsBefore(
    manager: EntityManager,
    { table, keyOf }: Folded<Placed>,
    events: readonly RecordedEvent[],
  ): Promise<ReadonlyMap<string, Placed>> {
    const keys = new Set(events.map(keyOf).filter((key) => key !== undefined));
    const { found, missing } = this.known.look(table, keys);
    return missing.length === 0 ? found : new Map([...found, ...(await loadRows(manager, table, missing))]);
  }
}

/** The current rows with these keys. */
async function loadRows(
  manager: EntityManager,
  table: Table<Placed>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Placed>> {
  const [column = ''] = table.key;
  const rows = new Map<string, Placed>();
  for (const some of chunks(keys, maxKeysAtOnce)) {
    const { sql, parameters } = selectRows(table, { where: [{ column, in: some }] });
    const found: Record<string, unknown>[] = await manager.query(sql, [...parameters]);
    for (const stored of found) rows.set(String(stored[column]), fromStored(table, stored));
  }
  return rows;
}

async function saveCheckpoint(manager: EntityManager, from: number, to: number): Promise<void> {
  if (from === 0) {
    const first = manager
      .createQueryBuilder()
      .insert()
      .into(checkpointEntity)
      .values({ name: projection, position: 0 });
    await first.orIgnore().execute();
  }
  const { affected } = await manager.update(checkpointEntity, { name: projection, position: from }, { position: to });
  if (affected !== 1) {
    throw new ProjectionError('checkpoint-moved', `the checkpoint is no longer ${from}: another process writes here`);
  }
}

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
