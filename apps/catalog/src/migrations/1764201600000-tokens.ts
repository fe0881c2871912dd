import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may use the operators' API, and what they called. */
export class Tokens1764201600000 implements MigrationInterface {
  readonly name = 'Tokens1764201600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "tokens" ("tokenId" varchar PRIMARY KEY NOT NULL, "name" varchar NOT NULL,
      "role" varchar NOT NULL, "expiresAt" varchar, "state" varchar NOT NULL, "previousUntil" varchar,
      "revokedReason" varchar, "issuedAt" varchar NOT NULL, "firstPosition" integer NOT NULL, "position" integer NOT NULL,
      "updatedAt" varchar NOT NULL)`);
    await runner.query('CREATE INDEX "tokens_firstPosition" ON "tokens" ("firstPosition")');
    await runner.query(`CREATE TABLE "calls" ("position" integer NOT NULL, "index" integer NOT NULL, "at" varchar NOT NULL,
      "tokenId" varchar NOT NULL, "role" varchar NOT NULL, "method" varchar NOT NULL, "route" varchar NOT NULL,
      "path" varchar NOT NULL, "status" integer NOT NULL, "requestId" varchar NOT NULL, "remote" varchar NOT NULL,
      "wish" varchar, PRIMARY KEY ("position", "index"))`);
    await runner.query('CREATE INDEX "calls_tokenId" ON "calls" ("tokenId")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "calls"');
    await runner.query('DROP TABLE "tokens"');
  }
}
