import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which commits came along with a fix. */
export class BroughtCommits1764028800000 implements MigrationInterface {
  readonly name = 'BroughtCommits1764028800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "fixes" ADD COLUMN "brings" text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "fixes" DROP COLUMN "brings"');
  }
}
