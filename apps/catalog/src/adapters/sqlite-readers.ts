import { availableParallelism } from 'node:os';
import sqlite3 from 'sqlite3';
import type { Row } from './database-kind.js';
import { PreparedQueries } from './prepared-queries.js';

/** More than cores, as one may be waiting for the disk; at most as many as libuv has threads for them. */
const connectionCount = Math.min(4, availableParallelism() + 1);

interface Connection {
  readonly database: sqlite3.Database;
  readonly queries: PreparedQueries;
  asked: number;
}

/**
 * Connections that can't write, to one file. On one of them SQLite answers a query after the other, so a slow one would hold up everybody;
 * what is asked goes to the connection with the fewest before it.
 */
export class SqliteReaders {
  private constructor(private readonly connections: readonly Connection[]) {}

  /** Opens a file that is there already, in WAL mode. */
  static async open(file: string, busyTimeoutMs: number): Promise<SqliteReaders> {
    const opened = await Promise.allSettled(
      Array.from({ length: connectionCount }, () => openConnection(file, busyTimeoutMs)),
    );
    const readers = new SqliteReaders(opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    const failed = opened.find((one) => one.status === 'rejected');
    if (failed === undefined) return readers;
    await readers.close();
    throw failed.reason;
  }

  async query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const connection = this.connections.reduce((least, one) => (one.asked < least.asked ? one : least));
    connection.asked += 1;
    try {
      return await connection.queries.query(sql, parameters);
    } finally {
      connection.asked -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      this.connections.map(async ({ database, queries }) => {
        await queries.close();
        await new Promise<void>((resolve, reject) =>
          database.close((error) => (error === null ? resolve() : reject(error))),
        );
      }),
    );
  }
}

async function openConnection(file: string, busyTimeoutMs: number): Promise<Connection> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const made = new sqlite3.Database(file, sqlite3.OPEN_READWRITE, (error) =>
      error === null ? resolve(made) : reject(error),
    );
  });
  database.configure('busyTimeout', busyTimeoutMs);
  await new Promise<void>((resolve, reject) =>
    database.exec('PRAGMA query_only = ON', (error) => (error === null ? resolve() : reject(error))),
  );
  return { database, queries: new PreparedQueries(database), asked: 0 };
}
