import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each split found. */
export class SplitReports1764126000000 implements MigrationInterface {
  readonly name = 'SplitReports1764126000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "drops" ADD COLUMN "report" varchar');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "drops" DROP COLUMN "report"');
  }
}
