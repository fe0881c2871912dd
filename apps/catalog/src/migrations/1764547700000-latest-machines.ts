import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The machines that were heard of last, as of a position. */
export class LatestMachines1764547700000 implements MigrationInterface {
  readonly name = 'LatestMachines1764547700000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX "machines_past_position_until" ON "machines_past" ("position", "until")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX "machines_past_position_until"');
  }
}
