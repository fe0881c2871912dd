import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { z } from 'zod';
import { digestOf } from '#libs/contracts';
import {
  type Adopted,
  type Beside,
  commonOptions,
  DatabaseError,
  DatabaseKind,
  type DatabaseOptions,
  migrated,
  type Snapshot,
  type Sources,
  withReader,
} from './database-kind.js';

const connectTimeoutMs = 10_000;
/** As many queries as run at once; the next ones wait for one of these. */
const readers = 8;
/** The type's number in pg_type. */
const int8: number = pg.types.builtins.INT8;
/**
 * Who waits for a table for a second is looked at for a deadlock, and one of those in it fails: whoever replaces tables gives up
 * long before, so that it is never a reader.
 */
const lockTimeoutMs = 200;
const lockTries = 100;
/** PostgreSQL's `lock_not_available` (appendix A). */
const lockNotAvailable = '55P03';

/** The catalog in a schema of a PostgreSQL database: the first of the search path. A second one is in a schema of its own. */
export class PostgresDatabase extends DatabaseKind {
  readonly bytewise = ' COLLATE "C"';
  private readonly url: string;
  private readonly settings: string;

  constructor(
    private readonly options: DatabaseOptions,
    url: string,
  ) {
    super();
    ({ url: this.url, settings: this.settings } = settingsOf(url));
  }

  async open(): Promise<Sources> {
    try {
      // What is lost in a crash of the server is folded from the log again, as with SQLite.
      const writer = await migrated(this.source(1, '-c synchronous_commit=off'));
      return await withReader(writer, async () => {
        for (const schema of Object.values(schemasBeside(await schemaOf(writer)))) await drop(writer, schema);
        return this.source(readers, '-c default_transaction_read_only=on').initialize();
      });
    } catch (cause) {
      const why = whyUnreachable(cause);
      if (why === undefined) throw cause;
      throw new DatabaseError('database-unreachable', `the database of DATABASE_URL can't be used: ${why}`, { cause });
    }
  }

  async openBeside(current: Sources): Promise<Beside> {
    const serving = await schemaOf(current.writer);
    const { rebuilt, replaced } = schemasBeside(serving);
    for (const schema of [rebuilt, replaced]) await drop(current.writer, schema);
    await current.writer.query(`CREATE SCHEMA "${rebuilt}"`);
    const writer = await migrated(this.source(1, `-c synchronous_commit=off -c search_path=${rebuilt}`));
    return {
      writer,
      listIndices: `SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE schemaname = '${rebuilt}'
        AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname`,
      // Whatever the server says is done is in its own journal.
      settle: async () => void (await writer.query('ANALYZE')),
      adopt: async (before): Promise<Adopted> => {
        await this.moveTables(before.writer, serving, rebuilt, replaced);
        const clear = async (): Promise<void> => {
          await writer.destroy();
          for (const schema of [rebuilt, replaced]) await drop(before.writer, schema);
        };
        return { sources: before, clear };
      },
      discard: async () => {
        await writer.destroy();
        await drop(current.writer, rebuilt);
      },
    };
  }

  async openSnapshot({ reader }: Sources): Promise<Snapshot> {
    const runner = reader.createQueryRunner();
    await runner.startTransaction('REPEATABLE READ');
    return {
      query: (sql, parameters = []) => runner.query(sql, [...parameters]),
      close: async () => {
        await runner.rollbackTransaction();
        await runner.release();
      },
    };
  }

  /**
   * Puts the rebuilt tables in the place of those that serve, in one transaction: connections stay, and whoever asks next finds the new
   * ones under the same names. What is being read meanwhile is read to its end where it was begun.
   */
  private async moveTables(writer: DataSource, serving: string, rebuilt: string, replaced: string): Promise<void> {
    const found: readonly { name: string }[] = await writer.query(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename <> 'migrations' ORDER BY tablename`,
      [rebuilt],
    );
    const tables = found.map(({ name }) => name);
    for (let attempt = 1; attempt <= lockTries; attempt += 1) {
      const runner = writer.createQueryRunner();
      try {
        await runner.startTransaction();
        await runner.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
        await moveAll(runner, tables, serving, rebuilt, replaced);
        await runner.commitTransaction();
        return;
      } catch (error) {
        if (runner.isTransactionActive) await runner.rollbackTransaction();
        if (codeOf(error) !== lockNotAvailable) throw error;
      } finally {
        await runner.release();
      }
      await sleep(lockTimeoutMs);
    }
    throw new DatabaseError(
      'database-busy',
      'the tables are read without a pause and could not be replaced: try again',
    );
  }

  private source(poolSize: number, ours: string): DataSource {
    return new DataSource({
      ...commonOptions(this.options),
      type: 'postgres',
      url: this.url,
      poolSize,
      connectTimeoutMS: connectTimeoutMs,
      applicationName: 'splicecast-catalog',
      extra: { options: `${this.settings} ${ours}`.trim(), types: numbersAsNumbers },
    });
  }
}

async function moveAll(
  runner: QueryRunner,
  tables: readonly string[],
  serving: string,
  rebuilt: string,
  replaced: string,
): Promise<void> {
  const all = tables.map((table) => `"${serving}"."${table}"`).join(', ');
  await runner.query(`LOCK TABLE ${all} IN ACCESS EXCLUSIVE MODE`);
  await runner.query(`CREATE SCHEMA "${replaced}"`);
  for (const table of tables) {
    await runner.query(`ALTER TABLE "${serving}"."${table}" SET SCHEMA "${replaced}"`);
    await runner.query(`ALTER TABLE "${rebuilt}"."${table}" SET SCHEMA "${serving}"`);
  }
}

async function schemaOf(source: DataSource): Promise<string> {
  const [row]: { name: string }[] = await source.query('SELECT current_schema() AS name');
  return row?.name ?? 'public';
}

/** Where a rebuild works, and where what it replaced goes. Short and plain, whatever the schema is called that serves. */
function schemasBeside(serving: string): { readonly rebuilt: string; readonly replaced: string } {
  const of = digestOf(serving).slice(0, 12);
  return { rebuilt: `splicecast_rebuilt_${of}`, replaced: `splicecast_replaced_${of}` };
}

/** Asks first: who may not make schemas has none to drop, and must be able to start all the same. */
async function drop(source: DataSource, schema: string): Promise<void> {
  const found: unknown[] = await source.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.length > 0) await source.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
}

/** The URL without what it sets with `?options=…`, and that: the client would take one or the other. */
function settingsOf(text: string): { readonly url: string; readonly settings: string } {
  const url = new URL(text);
  const settings = url.searchParams.get('options') ?? '';
  url.searchParams.delete('options');
  return { url: url.href, settings };
}

/** PostgreSQL's client gives 64-bit numbers as text; sizes and positions are far below what a JavaScript number holds exactly. */
const numbersAsNumbers = {
  getTypeParser(type: number, format?: 'text' | 'binary'): unknown {
    return type === int8 ? Number : pg.types.getTypeParser(type, format);
  },
};

/** Class 28 is a refused login, 3D000 a database that isn't there (PostgreSQL, appendix A). */
const unreachable = /^(?:ECONN|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|EAI_|28|3D000)/;

const failureSchema = z.object({ code: z.string(), message: z.string() });

function whyUnreachable(cause: unknown): string | undefined {
  const failure = failureSchema.safeParse(cause);
  return failure.success && unreachable.test(failure.data.code) ? failure.data.message || failure.data.code : undefined;
}

function codeOf(error: unknown): string | undefined {
  const failure = failureSchema.safeParse(error);
  return failure.success ? failure.data.code : undefined;
}
