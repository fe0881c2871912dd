import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Beside, Row } from './database-kind.js';
import type { Tables } from './tables.js';

const indexSchema = z.object({ name: z.string(), sql: z.string() });

/** Tables beside those that serve, to be filled from the beginning of the log and then to serve in their place. */
export class SecondDatabase implements Tables {
  private constructor(
    readonly beside: Beside,
    private readonly indices: readonly string[],
  ) {}

  /** Sets the indices aside: made in one go, in the end, they cost a fraction of what they cost row by row. */
  static async over(beside: Beside): Promise<SecondDatabase> {
    const indices = z.array(indexSchema).parse(await beside.writer.query(beside.listIndices));
    for (const { name } of indices) await beside.writer.query(`DROP INDEX "${name}"`);
    return new SecondDatabase(
      beside,
      indices.map(({ sql }) => sql),
    );
  }

  async query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.beside.writer.query(sql, [...parameters]);
  }

  /** One rebuild writes here, and waits for each transaction. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.beside.writer.transaction(work);
  }

  /** Makes the indices, and brings all to the disk. */
  async settle(): Promise<void> {
    for (const sql of this.indices) await this.beside.writer.query(sql);
    await this.beside.settle();
  }

  discard(): Promise<void> {
    return this.beside.discard();
  }
}
