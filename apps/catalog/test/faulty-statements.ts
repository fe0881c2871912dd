import type { Logger } from 'typeorm';

/**
 * Breaks chosen statements of a real database: TypeORM tells its logger of each statement before it runs it, and what the
 * logger throws then is what the statement throws.
 */
export class FaultyStatements implements Logger {
  /** The process is gone: no statement runs any more, not even a rollback. */
  dead = false;
  private left = Infinity;
  private fatal: string | undefined;
  private failing: string | undefined;

  /** Lets `n` more statements run, then dies. */
  killAfter(n: number): void {
    this.left = n;
  }

  /** Dies before the first statement that begins so. */
  killBefore(beginning: string): void {
    this.fatal = beginning;
  }

  /** Makes the next statement that begins so fail. */
  failOnce(beginning: string): void {
    this.failing = beginning;
  }

  logQuery(query: string): void {
    if (this.left-- <= 0 || (this.fatal !== undefined && query.startsWith(this.fatal))) this.dead = true;
    if (this.dead) throw new Error('the process was killed');
    if (this.failing !== undefined && query.startsWith(this.failing)) {
      this.failing = undefined;
      throw new Error('disk I/O error');
    }
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
