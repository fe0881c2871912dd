import type { Database, Statement } from 'sqlite3';
import type { Row } from './database-kind.js';

/** Lists of ids make a statement for each length. */
const maxStatements = 256;

/**
 * Asks SQLite with statements that are kept: to prepare one costs more than most answers do, and what is asked differs in its parameters
 * alone. Those that were not used for longest are given up first.
 */
export class PreparedQueries {
  private readonly statements = new Map<string, Promise<Statement>>();

  constructor(private readonly database: Database) {}

  async query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const statement = await this.prepared(sql);
    return new Promise((resolve, reject) => {
      statement.all<Row>([...parameters], (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  }

  /** Gives up all of them: as long as one is left, SQLite closes no database. */
  async close(): Promise<void> {
    const statements = [...this.statements.values()];
    this.statements.clear();
    await Promise.all(statements.map(finalized));
  }

  private async prepared(sql: string): Promise<Statement> {
    const known = this.statements.get(sql) ?? this.prepare(sql);
    this.statements.delete(sql);
    this.statements.set(sql, known);
    const [oldest] = this.statements;
    if (this.statements.size > maxStatements && oldest !== undefined) {
      this.statements.delete(oldest[0]);
      // What it was asked before is answered first.
      void finalized(oldest[1]);
    }
    try {
      return await known;
    } catch (error) {
      if (this.statements.get(sql) === known) this.statements.delete(sql);
      throw error;
    }
  }

  private prepare(sql: string): Promise<Statement> {
    return new Promise((resolve, reject) => {
      const statement = this.database.prepare(sql, (error: Error | null) =>
        error === null ? resolve(statement) : reject(error),
      );
    });
  }
}

async function finalized(statement: Promise<Statement>): Promise<void> {
  // One that could not be prepared is none.
  const made = await statement.catch(() => undefined);
  if (made !== undefined) await new Promise<void>((resolve) => made.finalize(() => resolve()));
}
