import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables whose past rows are many: the index in the order of lists tells by itself which of them are as of a position. */
const long = ['machines', 'fixes', 'bundles'];

/** Commits by their id, how many machines have a bundle without a look at their rows, and long lists as of a position. */
export class Lookups1764547300000 implements MigrationInterface {
  readonly name = 'Lookups1764547300000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX "drop_commits_commit" ON "drop_commits" ("commit")');
    await runner.query('DROP INDEX "machines_firstPosition"');
    await runner.query('CREATE INDEX "machines_firstPosition_position" ON "machines" ("firstPosition", "position")');
    for (const table of long) {
      await runner.query(`DROP INDEX "${table}_past_firstPosition"`);
      await runner.query(
        `CREATE INDEX "${table}_past_firstPosition_position_until" ON "${table}_past" ("firstPosition", "position", "until")`,
      );
    }
    for (const table of ['machine_updates', 'machine_updates_past']) {
      await runner.query(`DROP INDEX "${table}_bundleId"`);
      await runner.query(
        `CREATE INDEX "${table}_bundleId_state_machineId" ON "${table}" ("bundleId", "state", "machineId")`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['machine_updates', 'machine_updates_past']) {
      await runner.query(`DROP INDEX "${table}_bundleId_state_machineId"`);
      await runner.query(`CREATE INDEX "${table}_bundleId" ON "${table}" ("bundleId")`);
    }
    for (const table of long) {
      await runner.query(`DROP INDEX "${table}_past_firstPosition_position_until"`);
      await runner.query(`CREATE INDEX "${table}_past_firstPosition" ON "${table}_past" ("firstPosition")`);
    }
    await runner.query('DROP INDEX "machines_firstPosition_position"');
    await runner.query('CREATE INDEX "machines_firstPosition" ON "machines" ("firstPosition")');
    await runner.query('DROP INDEX "drop_commits_commit"');
  }
}
