import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import type { EventStore } from '#libs/eventstore';
import { CatalogDatabase } from '../../apps/catalog/src/adapters/database.js';
import { foldedTables } from '../../apps/catalog/src/adapters/table-comparison.js';
import { TableWriter } from '../../apps/catalog/src/adapters/table-writer.js';
import { Folding } from '../../apps/catalog/src/folding.js';
import { Documents } from '../../apps/catalog/src/ports.js';

/** As a rebuild in the service folds. */
const batchCommits = 4_000;
const rowsPerStatement = 100;
const rowsPerTransaction = 20_000;

/** No drop is split in the log of the benchmark. */
class NoDocuments extends Documents {
  series = absent;
  levelContent = absent;
  hunkMap = absent;
}

async function absent(): Promise<never> {
  throw new Error('the log of the benchmark names no document');
}

/** What one run took, in seconds: of the wall clock, and of this process's processors. */
export interface Spent {
  readonly wallSec: number;
  readonly cpuSec: number;
}

/** All rows of one table, and what made it. */
interface Contents {
  readonly make: string;
  readonly indices: readonly string[];
  readonly insert: (rows: number) => string;
  readonly rows: readonly (readonly unknown[])[];
}

async function timed(work: () => Promise<void>): Promise<Spent> {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await work();
  const wallSec = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { wallSec, cpuSec: (user + system) / 1_000_000 };
}

/** Where to rebuild: into a new file of SQLite, unless it says otherwise. */
export interface RebuildInto {
  readonly databaseUrl?: string | undefined;
  /** Told of the SQLite file before it is removed. */
  readonly look?: (file: string) => Promise<void>;
}

/** Folds the whole log into a second set of tables, indices and fsync included, as `splicectl catalog rebuild` does. */
export async function rebuild(
  store: EventStore,
  until: number,
  { databaseUrl, look }: RebuildInto = {},
): Promise<Spent> {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-rebuild-'));
  const database = await CatalogDatabase.open({ dataDir, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
  try {
    const second = await database.openSecond();
    const folding = new Folding(store, new NoDocuments(), new TableWriter(second));
    const spent = await timed(async () => {
      await folding.fold({ until, batchCommits, signal: new AbortController().signal });
      await second.settle();
    });
    await look?.(join(dataDir, 'catalog-1.sqlite'));
    await second.discard();
    return spent;
  } finally {
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Everything that a rebuild wrote, in memory. */
export async function contentsOf(file: string): Promise<readonly Contents[]> {
  const db = await Sqlite.open(file);
  try {
    const contents: Contents[] = [];
    for (const { name, columns } of foldedTables) {
      const [made] = await db.all(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '${name}'`);
      const indices = await db.all(
        `SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '${name}' AND sql IS NOT NULL`,
      );
      const names = columns.map((column) => `"${column}"`).join(',');
      const rows = await db.all(`SELECT ${names} FROM "${name}"`);
      const marks = `(${columns.map(() => '?').join(',')})`;
      contents.push({
        make: String(made?.['sql']),
        indices: indices.map(({ sql }) => String(sql)),
        insert: (count) =>
          `INSERT INTO "${name}" (${names}) VALUES ${Array.from({ length: count }, () => marks).join(',')}`,
        rows: rows.map((row) => columns.map((column) => row[column])),
      });
    }
    return contents;
  } finally {
    await db.close();
  }
}

/** Writes the same rows with sqlite3 and nothing else: prepared statements of many rows, large transactions, no fsync, indices last. */
export async function insertRaw(contents: readonly Contents[]): Promise<Spent> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-raw-'));
  const db = await Sqlite.open(join(folder, 'raw.sqlite'));
  try {
    for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -65536'])
      await db.run(`PRAGMA ${pragma}`);
    for (const { make } of contents) await db.run(make);
    return await timed(async () => {
      for (const table of contents) {
        for (let at = 0; at < table.rows.length; at += rowsPerTransaction) {
          await db.insert(table.insert, table.rows.slice(at, at + rowsPerTransaction));
        }
      }
      for (const sql of contents.flatMap(({ indices }) => indices)) await db.run(sql);
    });
  } finally {
    await db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The client that TypeORM uses too, with promises. */
class Sqlite {
  private constructor(private readonly db: sqlite3.Database) {}

  static open(file: string): Promise<Sqlite> {
    return new Promise((resolve, reject) => {
      const db = new sqlite3.Database(file, (error) => (error === null ? resolve(new Sqlite(db)) : reject(error)));
    });
  }

  all(sql: string): Promise<readonly Record<string, unknown>[]> {
    return new Promise((resolve, reject) => {
      this.db.all<Record<string, unknown>>(sql, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  }

  run(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.db.run(sql, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Inserts rows in one transaction. */
  async insert(sql: Contents['insert'], rows: readonly (readonly unknown[])[]): Promise<void> {
    await this.run('BEGIN');
    const many = this.db.prepare(sql(rowsPerStatement));
    for (let at = 0; at < rows.length; at += rowsPerStatement) {
      const some = rows.slice(at, at + rowsPerStatement);
      const statement = some.length === rowsPerStatement ? many : this.db.prepare(sql(some.length));
      await new Promise<void>((resolve, reject) => {
        statement.run(some.flat(), (error) => (error === null ? resolve() : reject(error)));
      });
      if (statement !== many) statement.finalize();
    }
    many.finalize();
    await this.run('COMMIT');
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.db.close((error) => (error === null ? resolve() : reject(error)));
    });
  }
}
