import type { DataSource, DataSourceOptions, Logger } from 'typeorm';
import { migrations } from '../migrations/index.js';
import { readModels } from '../projections/index.js';
import { checkpointEntity } from './checkpoint.js';

export interface DatabaseOptions {
  /** Absolute folder of the SQLite file. */
  readonly dataDir: string;
  /** `postgres://…`: that server instead of SQLite. */
  readonly databaseUrl?: string;
  /** Hears every statement before it runs. */
  readonly logger?: Logger;
}

export type DatabaseErrorCode =
  | 'unsupported-database'
  | 'database-unreachable'
  /** The tables were in use by others for so long that they couldn't be replaced. */
  | 'database-busy';

/** The catalog's database can't be used. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(
    readonly code: DatabaseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Two connections' worth of the database: who writes, and who can't. */
export interface Sources {
  readonly writer: DataSource;
  readonly reader: DataSource;
}

export type Row = Readonly<Record<string, unknown>>;
export type Query = (sql: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>;

/** The tables as they were at one moment, whatever is written meanwhile. */
export interface Snapshot {
  readonly query: Query;
  close(): Promise<void>;
}

/** What serves from now on, and how to do away with what served before, once nobody reads there any more. */
export interface Adopted {
  readonly sources: Sources;
  readonly clear: () => Promise<void>;
}

/** An empty set of tables beside those that serve. While it is written, a crash may leave anything of it: it counts for nothing. */
export interface Beside {
  readonly writer: DataSource;
  /** Lists its indices besides the primary keys: `name`, and `sql` that makes it. */
  readonly listIndices: string;
  /** Brings to the disk what was written without care. From then on it is written as carefully as what serves. */
  settle(): Promise<void>;
  /** Has it serve from now on, at once or, if the process dies meanwhile, not at all. Nothing may be written at that time. */
  adopt(current: Sources): Promise<Adopted>;
  /** Removes it. */
  discard(): Promise<void>;
}

/** One kind of database. */
export abstract class DatabaseKind {
  /** Follows a column of text in an order: has it sorted by bytes, which both kinds agree on. */
  abstract readonly bytewise: string;

  /** Opens what serves, and brings the tables up to date. @throws DatabaseError */
  abstract open(): Promise<Sources>;

  /** Opens an empty second one. What is left of an earlier one is removed first. */
  abstract openBeside(current: Sources): Promise<Beside>;

  abstract openSnapshot(current: Sources): Promise<Snapshot>;

  /** Asks a reader. */
  async ask(reader: DataSource, sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return reader.query(sql, [...parameters]);
  }

  async close({ writer, reader }: Sources): Promise<void> {
    if (reader.isInitialized) await reader.destroy();
    if (writer.isInitialized) await writer.destroy();
  }
}

/** What every connection is told. */
export function commonOptions({
  logger,
}: DatabaseOptions): Pick<DataSourceOptions, 'entities' | 'migrations' | 'logger' | 'logging'> {
  return {
    entities: [
      checkpointEntity,
      ...readModels.flatMap(({ table }) => [table.entity, ...(table.past ? [table.past.entity] : [])]),
    ],
    migrations,
    ...(logger === undefined ? {} : { logger, logging: 'all' as const }),
  };
}

/** Opens a connection and brings its tables up to date. */
export async function migrated(source: DataSource): Promise<DataSource> {
  await source.initialize();
  try {
    await source.runMigrations({ transaction: 'all' });
    return source;
  } catch (error) {
    await source.destroy();
    throw error;
  }
}

/** Opens the reader of a writer, which is closed if that fails. */
export async function withReader(writer: DataSource, open: () => Promise<DataSource>): Promise<Sources> {
  try {
    return { writer, reader: await open() };
  } catch (error) {
    await writer.destroy();
    throw error;
  }
}
