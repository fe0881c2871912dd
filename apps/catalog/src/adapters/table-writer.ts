import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import type { Commit, RecordedEvent } from '#libs/eventstore';
import { ProjectionError } from '../projections/errors.js';
import { readModels } from '../projections/index.js';
import type { Context, Folded, Listed, ReadModel } from '../projections/read-model.js';
import { fromStored, type Table } from '../projections/table.js';
import { bulkUpsert } from './bulk-upsert.js';
import { checkpointEntity } from './checkpoint.js';
import { CatalogDatabase } from './database.js';

const projection = 'catalog';
const maxKeysAtOnce = 500;

/** Writes what the read models make of commits, together with how far the log has been read. */
@Injectable()
export class TableWriter {
  constructor(private readonly database: CatalogDatabase) {}

  /** Position of the last commit whose rows are in the tables; 0 at the beginning. */
  async checkpoint(): Promise<number> {
    const row = await this.database.reader.manager.findOneBy(checkpointEntity, { name: projection });
    return row?.position ?? 0;
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
    await this.database.write(async (manager) => {
      for (const model of readModels) {
        await writeModel(manager, model, events, context);
      }
      await saveCheckpoint(manager, from, last.position);
    });
    return last.position;
  }
}

async function writeModel(
  manager: EntityManager,
  model: ReadModel,
  all: readonly RecordedEvent[],
  context: Context,
): Promise<void> {
  const events = all.filter(({ fact }) => model.handles.has(fact.type));
  if (events.length === 0) return;
  const rows = model.kind === 'folded' ? await foldRows(manager, model, events) : listRows(model, events, context);
  await bulkUpsert(manager, model.table, rows);
}

async function foldRows(
  manager: EntityManager,
  model: Folded<object>,
  events: readonly RecordedEvent[],
): Promise<readonly object[]> {
  const keyed = events.map((event) => ({ key: model.keyOf(event), event }));
  const keys = [...new Set(keyed.map(({ key }) => key))].filter((key) => key !== undefined);
  const rows = await loadRows(manager, model.table, keys);
  for (const { key, event } of keyed) {
    if (key !== undefined) rows.set(key, model.evolve(rows.get(key), event));
  }
  return [...rows.values()];
}

async function loadRows(
  manager: EntityManager,
  table: Table<object>,
  keys: readonly string[],
): Promise<Map<string, object>> {
  const [keyColumn = ''] = table.key;
  const rows = new Map<string, object>();
  for (const some of chunks(keys, maxKeysAtOnce)) {
    const found: Record<string, unknown>[] = await manager.findBy(table.entity, { [keyColumn]: In(some) });
    for (const stored of found) rows.set(String(stored[keyColumn]), fromStored(table, stored));
  }
  return rows;
}

/** The rows of some events, the last of those with an equal key. */
function listRows(model: Listed<object>, events: readonly RecordedEvent[], context: Context): readonly object[] {
  const rows = new Map<string, object>();
  for (const event of events) {
    for (const row of model.rowsOf(event, context)) {
      const values: Record<string, unknown> = { ...row };
      rows.set(JSON.stringify(model.table.key.map((column) => values[column])), row);
    }
  }
  return [...rows.values()];
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
