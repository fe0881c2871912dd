import type { OnApplicationShutdown } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import {
  DatabaseError,
  type DatabaseKind,
  type DatabaseOptions,
  type Row,
  type Snapshot,
  type Sources,
} from './database-kind.js';
import { PostgresDatabase } from './postgres-database.js';
import { SecondDatabase } from './second-database.js';
import { SqliteDatabase } from './sqlite-database.js';
import type { Tables } from './tables.js';

/**
 * The catalog's database: one connection that writes and one, or several, that read.
 *
 * Two transactions at once on a connection that TypeORM shares interleave, and one that said "committed" vanishes with the other's
 * rollback. So writers queue up here: there is one projection, and it is in order anyway.
 */
export class CatalogDatabase implements Tables, OnApplicationShutdown {
  private queue: Promise<unknown> = Promise.resolve();
  /** Queries that are being answered, by the connection that they were asked on. */
  private readonly asked = new Map<DataSource, Set<Promise<unknown>>>();
  private clearing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly kind: DatabaseKind,
    private sources: Sources,
  ) {}

  /** Opens the database and brings its tables up to date. @throws DatabaseError */
  static async open(options: DatabaseOptions): Promise<CatalogDatabase> {
    const kind = kindOf(options);
    return new CatalogDatabase(kind, await kind.open());
  }

  get reader(): DataSource {
    return this.sources.reader;
  }

  /** Follows a column of text in an order: has it sorted by bytes. */
  get bytewise(): string {
    return this.kind.bytewise;
  }

  /** Asks on a connection that can't write. */
  async query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const { reader } = this.sources;
    const answer = this.kind.ask(reader, sql, parameters);
    const asked = this.asked.get(reader) ?? new Set();
    this.asked.set(reader, asked.add(answer));
    try {
      return await answer;
    } finally {
      asked.delete(answer);
    }
  }

  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTurn(() => this.sources.writer.transaction(work));
  }

  /** The tables as they are now, however long they are looked at. */
  snapshot(): Promise<Snapshot> {
    return this.kind.openSnapshot(this.sources);
  }

  /** Empty tables beside those that serve. */
  async openSecond(): Promise<SecondDatabase> {
    await this.clearing.catch(() => undefined);
    return SecondDatabase.over(await this.inTurn(() => this.kind.openBeside(this.sources)));
  }

  /**
   * Has other tables serve from now on. No query fails for it: what was asked before is answered by the old ones, which are removed,
   * later, when the last of these is through.
   */
  async switchTo(second: SecondDatabase): Promise<void> {
    const before = this.sources;
    const { sources, clear } = await this.inTurn(async () => {
      const adopted = await second.beside.adopt(before);
      this.sources = adopted.sources;
      return adopted;
    });
    const left = sources.reader === before.reader ? [] : [...(this.asked.get(before.reader) ?? [])];
    if (sources.reader !== before.reader) this.asked.delete(before.reader);
    this.clearing = Promise.allSettled(left).then(clear);
    // What can't be removed now is at the next start.
    this.clearing.catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Waits for the writer's queue and closes both connections. */
  async close(): Promise<void> {
    await this.queue;
    await this.clearing.catch(() => undefined);
    await this.kind.close(this.sources);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

function kindOf(options: DatabaseOptions): DatabaseKind {
  const url = options.databaseUrl;
  if (url === undefined) return new SqliteDatabase(options);
  if (/^postgres(ql)?:\/\//.test(url)) return new PostgresDatabase(options, url);
  throw new DatabaseError(
    'unsupported-database',
    'DATABASE_URL is no postgres:// URL: PostgreSQL and, without it, SQLite are known',
  );
}
