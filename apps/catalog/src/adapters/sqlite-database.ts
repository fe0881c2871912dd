import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { DataSource } from 'typeorm';
import { syncPath, writeDurably } from '#libs/durable';
import {
  type Adopted,
  type Beside,
  commonOptions,
  DatabaseKind,
  type DatabaseOptions,
  migrated,
  type Row,
  type Snapshot,
  type Sources,
  withReader,
} from './database-kind.js';
import { SqliteReaders } from './sqlite-readers.js';

const busyTimeoutMs = 10_000;
const firstName = 'catalog.sqlite';
/** Names the file that serves; without it, the first one does. */
const pointerName = 'catalog.current';
const fileName = /^catalog(?:-(\d{1,9}))?\.sqlite$/;
const anyFile = /^(catalog(?:-\d{1,9})?\.sqlite)(?:-wal|-shm|-journal)?$/;

/**
 * TypeORM has sqlite3 be verbose, which takes the stack of every call and the text of its arguments, in case it fails: a tenth of what a
 * query costs.
 */
const driver = { Database: sqlite3.Database, OPEN_URI: sqlite3.OPEN_URI, verbose: () => driver };

/** Of a rebuild nothing is kept that isn't whole, so nothing is journalled and nothing brought to the disk before it is settled. */
const careless = ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -65536', 'temp_store = MEMORY'];
/** A power cut may cost the last commits, rows and checkpoint together: they are folded from the log again. */
const careful = ['journal_mode = WAL', 'synchronous = NORMAL', 'cache_size = -2000', 'temp_store = DEFAULT'];

/**
 * The catalog in SQLite files of the data folder, one of which serves. TypeORM shares one SQLite connection among all who use a
 * DataSource, so readers have some of their own, which can't write; WAL lets all work at once.
 *
 * A file is never renamed over another: the other's WAL would be taken for its own and spoil it ("How To Corrupt An SQLite Database
 * File", 1.4). So a small file says which one serves, and replacing that is the whole switch.
 */
export class SqliteDatabase extends DatabaseKind {
  readonly bytewise = '';
  /** What serves, by the connection that stands for it. */
  private readonly serving = new Map<DataSource, SqliteReaders>();

  constructor(private readonly options: DatabaseOptions) {
    super();
  }

  async open(): Promise<Sources> {
    const name = await this.currentName();
    await this.removeOthers(name);
    const writer = await migrated(this.source(name, true));
    return withReader(writer, async () => {
      await setAll(writer, careful);
      return this.openServing(name);
    });
  }

  async openBeside(): Promise<Beside> {
    const current = await this.currentName();
    const name = `catalog-${Number(fileName.exec(current)?.[1] ?? 0) + 1}.sqlite`;
    await this.removeOthers(current);
    const writer = this.source(name, false);
    await writer.initialize();
    await setAll(writer, careless);
    await writer.runMigrations({ transaction: 'all' });
    return {
      writer,
      listIndices: `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`,
      settle: async () => {
        await setAll(writer, careful);
        await syncPath(join(this.options.dataDir, name));
      },
      adopt: (sources) => this.adopt(name, writer, sources),
      discard: async () => {
        await writer.destroy();
        await this.remove(name);
      },
    };
  }

  async openSnapshot(): Promise<Snapshot> {
    const source = await this.openReader(await this.currentName());
    await source.query('BEGIN');
    return {
      query: (sql, parameters = []) => source.query(sql, [...parameters]),
      close: () => source.destroy(),
    };
  }

  override async ask(reader: DataSource, sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const readers = this.serving.get(reader);
    if (readers === undefined) throw new Error('these tables serve no more');
    reader.logger.logQuery(sql, [...parameters]);
    return readers.query(sql, parameters);
  }

  override async close(sources: Sources): Promise<void> {
    await this.closeReaders(sources.reader);
    await super.close(sources);
  }

  private async adopt(name: string, writer: DataSource, before: Sources): Promise<Adopted> {
    const old = await this.currentName();
    const sources = { writer, reader: await this.openServing(name) };
    try {
      await this.point(name);
    } catch (error) {
      await this.closeReaders(sources.reader);
      await sources.reader.destroy();
      throw error;
    }
    const clear = async (): Promise<void> => {
      await this.close(before);
      await this.remove(old);
    };
    return { sources, clear };
  }

  private source(name: string, enableWAL: boolean): DataSource {
    return new DataSource({
      ...commonOptions(this.options),
      type: 'sqlite',
      driver,
      database: join(this.options.dataDir, name),
      enableWAL,
      busyTimeout: busyTimeoutMs,
    });
  }

  private async openReader(name: string): Promise<DataSource> {
    const reader = await this.source(name, true).initialize();
    await reader.query('PRAGMA query_only = ON');
    return reader;
  }

  private async openServing(name: string): Promise<DataSource> {
    const reader = await this.openReader(name);
    try {
      this.serving.set(reader, await SqliteReaders.open(join(this.options.dataDir, name), busyTimeoutMs));
    } catch (error) {
      await reader.destroy();
      throw error;
    }
    return reader;
  }

  private async closeReaders(reader: DataSource): Promise<void> {
    const readers = this.serving.get(reader);
    this.serving.delete(reader);
    await readers?.close();
  }

  /** A pointer that says nothing sensible counts as none: the tables are folded from the log again. */
  private async currentName(): Promise<string> {
    const text = await readFile(join(this.options.dataDir, pointerName), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return firstName;
      throw error;
    });
    return fileName.test(text.trim()) ? text.trim() : firstName;
  }

  /** Says which file serves: a crash leaves the old word or the new one, both on the disk. */
  private async point(name: string): Promise<void> {
    const { dataDir } = this.options;
    await writeDurably(join(dataDir, pointerName), `${name}\n`, 0o600);
  }

  /** Removes what rebuilds left that were killed, and what they replaced. */
  private async removeOthers(current: string): Promise<void> {
    for (const name of await readdir(this.options.dataDir)) {
      const of = anyFile.exec(name)?.[1];
      const isOld = of !== undefined && of !== current;
      if (isOld || name.startsWith(`${pointerName}.`)) await rm(join(this.options.dataDir, name), { force: true });
    }
  }

  private async remove(name: string): Promise<void> {
    for (const part of ['', '-wal', '-shm', '-journal']) {
      await rm(join(this.options.dataDir, `${name}${part}`), { force: true });
    }
  }
}

async function setAll(source: DataSource, pragmas: readonly string[]): Promise<void> {
  for (const pragma of pragmas) await source.query(`PRAGMA ${pragma}`);
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
