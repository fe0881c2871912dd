import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each wish asked for. */
export class Wishes1764547500000 implements MigrationInterface {
  readonly name = 'Wishes1764547500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "calls" ADD COLUMN "request" varchar');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "calls" DROP COLUMN "request"');
  }
}
