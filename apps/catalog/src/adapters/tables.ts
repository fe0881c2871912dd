import type { EntityManager } from 'typeorm';
import type { Row } from './database-kind.js';

/** Tables that are read, and written by one writer in its order. */
export interface Tables {
  query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs `work` in a transaction, after those that came before. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
}
