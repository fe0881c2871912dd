import type { MigrationInterface, QueryRunner } from 'typeorm';

const columns = [
  ['customers', 'organisation'],
  ['machines', 'hardware'],
  ['machines', 'major'],
] as const;

/** Whose customers are one organisation's, and what machines say of their hardware and their distribution's release. */
export class Licensing1764115200000 implements MigrationInterface {
  readonly name = 'Licensing1764115200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [table, column] of columns) await runner.query(`ALTER TABLE "${table}" ADD COLUMN "${column}" varchar`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [table, column] of columns) await runner.query(`ALTER TABLE "${table}" DROP COLUMN "${column}"`);
  }
}
