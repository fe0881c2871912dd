import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether machines keep a bundle that was recalled. Of earlier recalls it is known after a rebuild. */
export class RecallKinds1764547650000 implements MigrationInterface {
  readonly name = 'RecallKinds1764547650000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['bundles', 'bundles_past']) {
      await runner.query(`ALTER TABLE "${table}" ADD COLUMN "recall" varchar`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['bundles', 'bundles_past']) await runner.query(`ALTER TABLE "${table}" DROP COLUMN "recall"`);
  }
}
