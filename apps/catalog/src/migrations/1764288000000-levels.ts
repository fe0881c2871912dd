import type { MigrationInterface, QueryRunner } from 'typeorm';

const place = `"firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL`;

const levels = `"levels" ("levelId" varchar PRIMARY KEY NOT NULL, "kernelId" varchar NOT NULL, "level" integer NOT NULL,
  "fixIds" text NOT NULL, "leaveOut" text NOT NULL, "state" varchar NOT NULL, "module" text, "functions" integer,
  "warnings" integer, "runPre" text, "leftOut" text, "stage" varchar, "reasons" text, "conflicts" text,
  "buildMs" integer, "proposedAt" varchar NOT NULL, ${place})`;

const bundleFixes = `"bundle_fixes" ("bundleId" varchar NOT NULL, "fixId" varchar NOT NULL, PRIMARY KEY ("bundleId", "fixId"))`;

const bundleColumns = `"bundleId", "kernelId", "fixId", "manifest", "artefact", "sizeBytes", "state", "signature", "keyIds",
  "tier", "promotedAt", "recallReason", "recalledAt", "assembledAt", "firstPosition", "position", "updatedAt"`;

/** As in the first migration, but a level has no one fix. SQLite can't take a NOT NULL back, so the table is made anew. */
const bundles = `("bundleId" varchar PRIMARY KEY NOT NULL, "kernelId" varchar NOT NULL, "fixId" varchar,
  "fixIds" text NOT NULL, "level" integer, "manifest" varchar NOT NULL, "artefact" varchar NOT NULL,
  "sizeBytes" integer NOT NULL, "state" varchar NOT NULL, "signature" varchar, "keyIds" text, "tier" varchar,
  "promotedAt" varchar, "recallReason" varchar, "recalledAt" varchar, "assembledAt" varchar NOT NULL, ${place})`;

const indices: readonly (readonly [table: string, column: string])[] = [
  ['bundles', 'firstPosition'],
  ['bundles', 'kernelId'],
  ['bundles', 'fixId'],
  ['bundle_fixes', 'fixId'],
  ['levels', 'firstPosition'],
  ['levels', 'kernelId'],
];

/** Cumulative levels, the bundles that they become, and what took an update's place on a machine. */
export class Levels1764288000000 implements MigrationInterface {
  readonly name = 'Levels1764288000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE ${levels}`);
    await runner.query(`CREATE TABLE ${bundleFixes}`);
    for (const column of ['firstPosition', 'kernelId', 'fixId']) await runner.query(`DROP INDEX "bundles_${column}"`);
    await runner.query('ALTER TABLE "bundles" RENAME TO "bundles_before"');
    await runner.query(`CREATE TABLE "bundles" ${bundles}`);
    await runner.query(
      `INSERT INTO "bundles" (${bundleColumns}, "fixIds") SELECT ${bundleColumns}, '["' || "fixId" || '"]' FROM "bundles_before"`,
    );
    await runner.query('INSERT INTO "bundle_fixes" SELECT "bundleId", "fixId" FROM "bundles_before"');
    await runner.query('DROP TABLE "bundles_before"');
    for (const [table, column] of indices) {
      await runner.query(`CREATE INDEX "${table}_${column}" ON "${table}" ("${column}")`);
    }
    await runner.query('ALTER TABLE "machine_updates" ADD COLUMN "by" varchar');
  }

  /** Levels have no place in the tables of before: those are folded from the log again. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "machine_updates" DROP COLUMN "by"');
    await runner.query('DROP TABLE "levels"');
    await runner.query('DROP TABLE "bundle_fixes"');
    await runner.query('DELETE FROM "bundles" WHERE "fixId" IS NULL');
    await runner.query('ALTER TABLE "bundles" DROP COLUMN "fixIds"');
    await runner.query('ALTER TABLE "bundles" DROP COLUMN "level"');
  }
}
