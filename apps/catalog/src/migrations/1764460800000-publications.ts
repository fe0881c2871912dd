import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was published of the signed metadata. */
export class Publications1764460800000 implements MigrationInterface {
  readonly name = 'Publications1764460800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "publications" ("position" integer NOT NULL, "index" integer NOT NULL,
      "at" varchar NOT NULL, "kind" varchar NOT NULL, "root" integer, "snapshot" integer, "timestamp" integer,
      "expiresAt" varchar, "files" integer NOT NULL, "bundles" text, "recalled" text, PRIMARY KEY ("position", "index"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "publications"');
  }
}
