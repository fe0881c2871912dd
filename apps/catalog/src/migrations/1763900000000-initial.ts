import type { MigrationInterface, QueryRunner } from 'typeorm';

const place = `"firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL`;

const tables = [
  `"checkpoints" ("name" varchar PRIMARY KEY NOT NULL, "position" integer NOT NULL)`,
  `"drops" ("dropId" varchar PRIMARY KEY NOT NULL, "product" varchar NOT NULL, "fileName" varchar NOT NULL,
    "archive" varchar NOT NULL, "sizeBytes" integer NOT NULL, "base" varchar, "state" varchar NOT NULL, "reasons" text,
    "format" varchar, "version" varchar, "tree" varchar, "bytes" integer, "changelog" varchar, "files" integer,
    "unpackMs" integer, "series" varchar, "head" varchar, "commits" integer, "attributed" integer, "remainders" integer,
    "insertions" integer, "deletions" integer, "proof" text, "filesChanged" integer, "splitMs" integer,
    "receivedAt" varchar NOT NULL, ${place})`,
  `"drop_commits" ("dropId" varchar NOT NULL, "ordinal" integer NOT NULL, "commit" varchar NOT NULL,
    "parent" varchar NOT NULL, "tree" varchar NOT NULL, "kind" varchar NOT NULL, "subject" varchar NOT NULL,
    "changelogEntry" varchar, "label" varchar, "cves" text NOT NULL, "upstream" varchar, "confidence" real NOT NULL,
    "paths" text NOT NULL, "insertions" integer NOT NULL, "deletions" integer NOT NULL, PRIMARY KEY ("dropId", "ordinal"))`,
  `"kernels" ("kernelId" varchar PRIMARY KEY NOT NULL, "distro" varchar NOT NULL, "packages" text NOT NULL,
    "dropId" varchar, "state" varchar NOT NULL, "arch" varchar, "release" varchar, "version" varchar, "buildId" varchar,
    "vermagic" varchar, "compiler" varchar, "config" varchar, "symvers" varchar, "kallsyms" varchar, "btf" varchar,
    "counts" text, "reasons" text, "importMs" integer, ${place})`,
  `"fixes" ("fixId" varchar PRIMARY KEY NOT NULL, "kernelId" varchar NOT NULL, "baseTree" varchar NOT NULL,
    "patch" varchar NOT NULL, "source" text NOT NULL, "subject" varchar NOT NULL, "cves" text NOT NULL,
    "upstream" varchar, "confidence" real NOT NULL, "paths" text NOT NULL, "state" varchar NOT NULL, "module" text,
    "functions" text, "runPre" text, "warnings" text, "objects" integer, "stage" varchar, "reasons" text,
    "buildMs" integer, "proposedAt" varchar NOT NULL, ${place})`,
  `"bundles" ("bundleId" varchar PRIMARY KEY NOT NULL, "fixId" varchar NOT NULL, "kernelId" varchar NOT NULL,
    "manifest" varchar NOT NULL, "artefact" varchar NOT NULL, "sizeBytes" integer NOT NULL, "state" varchar NOT NULL,
    "signature" varchar, "keyIds" text, "tier" varchar, "promotedAt" varchar, "recallReason" varchar,
    "recalledAt" varchar, "assembledAt" varchar NOT NULL, ${place})`,
  `"customers" ("customerId" varchar PRIMARY KEY NOT NULL, "name" varchar NOT NULL, "email" varchar,
    "registeredAt" varchar NOT NULL, ${place})`,
  `"licenses" ("licenseId" varchar PRIMARY KEY NOT NULL, "customerId" varchar NOT NULL, "state" varchar NOT NULL,
    "kind" varchar NOT NULL, "terms" text NOT NULL, "rev" integer NOT NULL, "expiresAt" varchar, "revokedReason" varchar,
    "issuedAt" varchar NOT NULL, ${place})`,
  `"machines" ("machineId" varchar PRIMARY KEY NOT NULL, "state" varchar NOT NULL, "licenseId" varchar,
    "customerId" varchar, "hostname" varchar, "keyThumbprint" varchar, "distro" varchar, "arch" varchar,
    "release" varchar, "buildId" varchar, "kernelSince" varchar, "tier" varchar, "leaseId" varchar,
    "leaseExpiresAt" varchar, "reasons" text, "enrolledAt" varchar, "lastSeen" varchar NOT NULL, ${place})`,
  `"machine_updates" ("updateId" varchar PRIMARY KEY NOT NULL, "machineId" varchar NOT NULL,
    "bundleId" varchar NOT NULL, "state" varchar NOT NULL, "at" varchar NOT NULL, "transitionMs" integer,
    "reasons" text, "tasks" text, ${place})`,
  `"cves" ("cveId" varchar PRIMARY KEY NOT NULL)`,
  `"cve_fixes" ("cveId" varchar NOT NULL, "fixId" varchar NOT NULL, "kernelId" varchar NOT NULL,
    PRIMARY KEY ("cveId", "fixId"))`,
  `"cve_commits" ("cveId" varchar NOT NULL, "dropId" varchar NOT NULL, "commit" varchar NOT NULL,
    "subject" varchar NOT NULL, PRIMARY KEY ("cveId", "dropId", "commit"))`,
  `"events" ("position" integer NOT NULL, "index" integer NOT NULL, "id" varchar NOT NULL, "type" varchar NOT NULL,
    "v" integer NOT NULL, "stream" varchar NOT NULL, "at" varchar NOT NULL, "actor" varchar NOT NULL,
    "causationId" varchar, "correlationId" varchar NOT NULL, PRIMARY KEY ("position", "index"))`,
];

const indices: readonly (readonly [table: string, column: string])[] = [
  ['drops', 'firstPosition'],
  ['kernels', 'firstPosition'],
  ['kernels', 'buildId'],
  ['fixes', 'firstPosition'],
  ['fixes', 'kernelId'],
  ['bundles', 'firstPosition'],
  ['bundles', 'kernelId'],
  ['bundles', 'fixId'],
  ['customers', 'firstPosition'],
  ['licenses', 'firstPosition'],
  ['licenses', 'customerId'],
  ['machines', 'firstPosition'],
  ['machines', 'licenseId'],
  ['machine_updates', 'machineId'],
  ['machine_updates', 'bundleId'],
  ['cve_fixes', 'fixId'],
  ['events', 'id'],
  ['events', 'stream'],
];

/** The first tables, in SQL that SQLite and PostgreSQL both take. */
export class Initial1763900000000 implements MigrationInterface {
  readonly name = 'Initial1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tables) await runner.query(`CREATE TABLE ${table}`);
    for (const [table, column] of indices) {
      await runner.query(`CREATE INDEX "${table}_${column}" ON "${table}" ("${column}")`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tables) await runner.query(`DROP TABLE ${table.slice(0, table.indexOf(' '))}`);
  }
}
