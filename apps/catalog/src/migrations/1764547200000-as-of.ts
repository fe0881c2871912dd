import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What rows were before they changed, each until the commit that changed it. */
const past: readonly string[] = [
  `"drops_past" ("dropId" varchar NOT NULL, "product" varchar NOT NULL, "fileName" varchar NOT NULL,
    "archive" varchar NOT NULL, "sizeBytes" bigint NOT NULL, "base" varchar, "state" varchar NOT NULL, "reasons" text,
    "format" varchar, "version" varchar, "tree" varchar, "bytes" bigint, "changelog" varchar, "files" integer,
    "unpackMs" integer, "series" varchar, "head" varchar, "commits" integer, "attributed" integer, "remainders" integer,
    "insertions" integer, "deletions" integer, "proof" text, "filesChanged" integer, "splitMs" integer,
    "receivedAt" varchar NOT NULL, "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL,
    "report" varchar, "until" integer NOT NULL, PRIMARY KEY ("dropId", "position"))`,
  `"kernels_past" ("kernelId" varchar NOT NULL, "distro" varchar NOT NULL, "packages" text NOT NULL, "dropId" varchar,
    "state" varchar NOT NULL, "arch" varchar, "release" varchar, "version" varchar, "buildId" varchar, "vermagic" varchar,
    "compiler" varchar, "config" varchar, "symvers" varchar, "kallsyms" varchar, "btf" varchar, "counts" text, "reasons" text,
    "importMs" integer, "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL,
    "until" integer NOT NULL, PRIMARY KEY ("kernelId", "position"))`,
  `"fixes_past" ("fixId" varchar NOT NULL, "kernelId" varchar NOT NULL, "baseTree" varchar NOT NULL, "patch" varchar NOT NULL,
    "source" text NOT NULL, "subject" varchar NOT NULL, "cves" text NOT NULL, "upstream" varchar, "confidence" real NOT NULL,
    "paths" text NOT NULL, "state" varchar NOT NULL, "module" text, "functions" text, "runPre" text, "warnings" text,
    "objects" integer, "stage" varchar, "reasons" text, "buildMs" integer, "proposedAt" varchar NOT NULL,
    "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL, "brings" text,
    "until" integer NOT NULL, PRIMARY KEY ("fixId", "position"))`,
  `"levels_past" ("levelId" varchar NOT NULL, "kernelId" varchar NOT NULL, "level" integer NOT NULL, "fixIds" text NOT NULL,
    "leaveOut" text NOT NULL, "state" varchar NOT NULL, "module" text, "functions" integer, "warnings" integer, "runPre" text,
    "leftOut" text, "stage" varchar, "reasons" text, "conflicts" text, "buildMs" integer, "proposedAt" varchar NOT NULL,
    "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL, "until" integer NOT NULL,
    PRIMARY KEY ("levelId", "position"))`,
  `"bundles_past" ("bundleId" varchar NOT NULL, "kernelId" varchar NOT NULL, "fixId" varchar, "fixIds" text NOT NULL,
    "level" integer, "manifest" varchar NOT NULL, "artefact" varchar NOT NULL, "sizeBytes" bigint NOT NULL,
    "state" varchar NOT NULL, "signature" varchar, "keyIds" text, "tier" varchar, "promotedAt" varchar, "recallReason" varchar,
    "recalledAt" varchar, "assembledAt" varchar NOT NULL, "firstPosition" integer NOT NULL, "position" integer NOT NULL,
    "updatedAt" varchar NOT NULL, "until" integer NOT NULL, PRIMARY KEY ("bundleId", "position"))`,
  `"customers_past" ("customerId" varchar NOT NULL, "name" varchar NOT NULL, "email" varchar, "registeredAt" varchar NOT NULL,
    "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL, "organisation" varchar,
    "until" integer NOT NULL, PRIMARY KEY ("customerId", "position"))`,
  `"licenses_past" ("licenseId" varchar NOT NULL, "customerId" varchar NOT NULL, "state" varchar NOT NULL,
    "kind" varchar NOT NULL, "terms" text NOT NULL, "rev" integer NOT NULL, "expiresAt" varchar, "revokedReason" varchar,
    "issuedAt" varchar NOT NULL, "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL,
    "until" integer NOT NULL, PRIMARY KEY ("licenseId", "position"))`,
  `"machines_past" ("machineId" varchar NOT NULL, "state" varchar NOT NULL, "licenseId" varchar, "customerId" varchar,
    "hostname" varchar, "keyThumbprint" varchar, "distro" varchar, "arch" varchar, "release" varchar, "buildId" varchar,
    "kernelSince" varchar, "tier" varchar, "leaseId" varchar, "leaseExpiresAt" varchar, "reasons" text, "enrolledAt" varchar,
    "lastSeen" varchar NOT NULL, "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL,
    "hardware" varchar, "major" varchar, "until" integer NOT NULL, PRIMARY KEY ("machineId", "position"))`,
  `"machine_updates_past" ("updateId" varchar NOT NULL, "machineId" varchar NOT NULL, "bundleId" varchar NOT NULL,
    "state" varchar NOT NULL, "at" varchar NOT NULL, "transitionMs" integer, "reasons" text, "tasks" text,
    "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL, "by" varchar,
    "until" integer NOT NULL, PRIMARY KEY ("updateId", "position"))`,
  `"tokens_past" ("tokenId" varchar NOT NULL, "name" varchar NOT NULL, "role" varchar NOT NULL, "expiresAt" varchar,
    "state" varchar NOT NULL, "previousUntil" varchar, "revokedReason" varchar, "issuedAt" varchar NOT NULL,
    "firstPosition" integer NOT NULL, "position" integer NOT NULL, "updatedAt" varchar NOT NULL, "until" integer NOT NULL,
    PRIMARY KEY ("tokenId", "position"))`,
];

/** Rows that are written once say by which commit. */
const facts: readonly string[] = [
  `"drop_commits" ("dropId" varchar NOT NULL, "ordinal" integer NOT NULL, "commit" varchar NOT NULL, "parent" varchar NOT NULL,
    "tree" varchar NOT NULL, "kind" varchar NOT NULL, "subject" varchar NOT NULL, "changelogEntry" varchar, "label" varchar,
    "cves" text NOT NULL, "upstream" varchar, "confidence" real NOT NULL, "paths" text NOT NULL, "insertions" integer NOT NULL,
    "deletions" integer NOT NULL, "position" integer NOT NULL, PRIMARY KEY ("dropId", "ordinal"))`,
  `"bundle_fixes" ("bundleId" varchar NOT NULL, "fixId" varchar NOT NULL, "position" integer NOT NULL, PRIMARY KEY ("bundleId",
    "fixId"))`,
  `"cves" ("cveId" varchar PRIMARY KEY NOT NULL, "position" integer NOT NULL)`,
  `"cve_fixes" ("cveId" varchar NOT NULL, "fixId" varchar NOT NULL, "kernelId" varchar NOT NULL, "position" integer NOT NULL,
    PRIMARY KEY ("cveId", "fixId"))`,
  `"cve_commits" ("cveId" varchar NOT NULL, "dropId" varchar NOT NULL, "commit" varchar NOT NULL, "subject" varchar NOT NULL,
    "position" integer NOT NULL, PRIMARY KEY ("cveId", "dropId", "commit"))`,
];

/** Functions that live patches replace, and the changes of the monolith that commits account for. */
const provenance: readonly string[] = [
  `"functions" ("maker" varchar NOT NULL, "kernelId" varchar NOT NULL, "fixId" varchar, "levelId" varchar,
    "object" varchar NOT NULL, "symbol" varchar NOT NULL, "sympos" integer NOT NULL, "objectFile" varchar NOT NULL,
    "oldSha256" varchar NOT NULL, "newSha256" varchar NOT NULL, "sizeBytes" bigint NOT NULL, "position" integer NOT NULL,
    PRIMARY KEY ("maker", "objectFile", "symbol", "sympos", "newSha256"))`,
  `"commit_hunks" ("dropId" varchar NOT NULL, "ordinal" integer NOT NULL, "path" varchar NOT NULL, "commit" varchar NOT NULL,
    "hunks" text NOT NULL, "position" integer NOT NULL, PRIMARY KEY ("dropId", "ordinal", "path"))`,
];

const indices: readonly (readonly [table: string, ...columns: string[]])[] = [
  ['drops_past', 'firstPosition'],
  ['kernels_past', 'firstPosition'],
  ['kernels_past', 'buildId'],
  ['fixes_past', 'firstPosition'],
  ['fixes_past', 'kernelId'],
  ['levels_past', 'firstPosition'],
  ['levels_past', 'kernelId'],
  ['bundles_past', 'firstPosition'],
  ['bundles_past', 'kernelId'],
  ['bundles_past', 'fixId'],
  ['customers_past', 'firstPosition'],
  ['licenses_past', 'firstPosition'],
  ['licenses_past', 'customerId'],
  ['machines_past', 'firstPosition'],
  ['machines_past', 'licenseId', 'firstPosition'],
  ['machines_past', 'customerId', 'firstPosition'],
  ['machine_updates_past', 'machineId'],
  ['machine_updates_past', 'bundleId'],
  ['tokens_past', 'firstPosition'],
  ['bundle_fixes', 'fixId'],
  ['cve_fixes', 'fixId'],
  ['functions', 'oldSha256'],
  ['functions', 'newSha256'],
  ['commit_hunks', 'commit'],
  ['machines', 'position'],
  ['machines', 'state', 'firstPosition'],
  ['machines', 'release', 'firstPosition'],
  ['machines', 'licenseId', 'firstPosition'],
  ['machines', 'customerId', 'firstPosition'],
  ['machines', 'buildId'],
  ['events', 'stream', 'position'],
  ['events', 'at', 'position'],
];

/** The other tables. They are emptied too, as what their rows were before is in the log alone. */
const kept = [
  'drops',
  'kernels',
  'fixes',
  'levels',
  'bundles',
  'customers',
  'licenses',
  'machines',
  'machine_updates',
  'tokens',
  'calls',
  'publications',
  'events',
  'checkpoints',
];

/**
 * Every resource as it was at any position of the log. The tables know only how things are, so everything is folded from the log
 * once more: until that is done the catalog says how far it is.
 */
export class AsOf1764547200000 implements MigrationInterface {
  readonly name = 'AsOf1764547200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of facts) await runner.query(`DROP TABLE ${nameOf(table)}`);
    for (const table of kept) await runner.query(`DELETE FROM "${table}"`);
    for (const table of [...past, ...facts, ...provenance]) await runner.query(`CREATE TABLE ${table}`);
    await runner.query('DROP INDEX "machines_licenseId"');
    await runner.query('DROP INDEX "events_stream"');
    for (const [table, ...columns] of indices) {
      const list = columns.map((column) => `"${column}"`).join(', ');
      await runner.query(`CREATE INDEX "${table}_${columns.join('_')}" ON "${table}" (${list})`);
    }
  }

  /** What is written once has no `position` in the tables of before. */
  async down(runner: QueryRunner): Promise<void> {
    for (const table of [...past, ...provenance]) await runner.query(`DROP TABLE ${nameOf(table)}`);
    for (const table of facts) await runner.query(`ALTER TABLE ${nameOf(table)} DROP COLUMN "position"`);
    for (const [table, ...columns] of indices.filter(([table]) => table === 'machines' || table === 'events')) {
      await runner.query(`DROP INDEX "${table}_${columns.join('_')}"`);
    }
    await runner.query('CREATE INDEX "machines_licenseId" ON "machines" ("licenseId")');
    await runner.query('CREATE INDEX "events_stream" ON "events" ("stream")');
  }
}

function nameOf(table: string): string {
  return table.slice(0, table.indexOf(' '));
}
