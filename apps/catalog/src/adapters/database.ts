import { join } from 'node:path';
import type { OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager, type Logger } from 'typeorm';
import { Initial1763900000000 } from '../migrations/1763900000000-initial.js';
import { BroughtCommits1764028800000 } from '../migrations/1764028800000-brought-commits.js';
import { readModels } from '../projections/index.js';
import { checkpointEntity } from './checkpoint.js';

class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(
    readonly code: 'unsupported-database',
    message: string,
  ) {
    super(message);
  }
}

export interface DatabaseOptions {
  /** Absolute folder of the SQLite file. */
  readonly dataDir: string;
  /** For a database server; not yet. */
  readonly databaseUrl?: string;
  /** Hears every statement before it runs. */
  readonly logger?: Logger;
}

const busyTimeoutMs = 10_000;

/**
 * The catalog's database: one connection that writes and one that reads.
 *
 * TypeORM shares one SQLite connection among all who use a DataSource: two transactions at once interleave on it, and one that
 * said "committed" vanishes with the other's rollback. So writers queue up here, and readers have a connection of their own
 * that can't write; WAL lets both work at once.
 */
export class CatalogDatabase implements OnApplicationShutdown {
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly writer: DataSource,
    readonly reader: DataSource,
  ) {}

  /** Opens the database and brings its tables up to date. @throws DatabaseError `unsupported-database` */
  static async open(options: DatabaseOptions): Promise<CatalogDatabase> {
    const writer = await source(options).initialize();
    try {
      await writer.runMigrations({ transaction: 'all' });
      // A power cut may cost the last commits, rows and checkpoint together: they are folded from the log again.
      await writer.query('PRAGMA synchronous = NORMAL');
      const reader = await source(options).initialize();
      await reader.query('PRAGMA query_only = ON');
      return new CatalogDatabase(writer, reader);
    } catch (error) {
      await writer.destroy();
      throw error;
    }
  }

  /** Runs `work` in a transaction, after those that came before. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = this.queue.then(() => this.writer.transaction(work));
    this.queue = result.catch(() => undefined);
    return result;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Waits for the writer's queue and closes both connections. */
  async close(): Promise<void> {
    await this.queue;
    if (this.reader.isInitialized) await this.reader.destroy();
    if (this.writer.isInitialized) await this.writer.destroy();
  }
}

/** The one place that knows which database it is. */
function source({ dataDir, databaseUrl, logger }: DatabaseOptions): DataSource {
  if (databaseUrl !== undefined) {
    throw new DatabaseError(
      'unsupported-database',
      'DATABASE_URL is set, but this version keeps the catalog in SQLite only: unset it',
    );
  }
  return new DataSource({
    type: 'sqlite',
    database: join(dataDir, 'catalog.sqlite'),
    enableWAL: true,
    busyTimeout: busyTimeoutMs,
    entities: [checkpointEntity, ...readModels.map(({ table }) => table.entity)],
    migrations: [Initial1763900000000, BroughtCommits1764028800000],
    ...(logger === undefined ? {} : { logger, logging: 'all' as const }),
  });
}
