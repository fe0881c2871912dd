import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sizes that may pass 2 GiB, which PostgreSQL's `integer` doesn't. */
const sizes: Readonly<Record<string, readonly string[]>> = { drops: ['sizeBytes', 'bytes'], bundles: ['sizeBytes'] };

/** SQLite's integers are as wide as they need; there only the declared type changes, so that the tables are declared the same everywhere. */
export class WideNumbers1764374400000 implements MigrationInterface {
  readonly name = 'WideNumbers1764374400000';

  up(runner: QueryRunner): Promise<void> {
    return change(runner, 'integer', 'bigint');
  }

  down(runner: QueryRunner): Promise<void> {
    return change(runner, 'bigint', 'integer');
  }
}

async function change(runner: QueryRunner, from: string, to: string): Promise<void> {
  const isPostgres = runner.connection.options.type === 'postgres';
  for (const [table, columns] of Object.entries(sizes)) {
    if (isPostgres) {
      for (const column of columns) await runner.query(`ALTER TABLE "${table}" ALTER COLUMN "${column}" TYPE ${to}`);
    } else {
      await remake(runner, table, (sql) =>
        columns.reduce((made, column) => made.replace(`"${column}" ${from}`, `"${column}" ${to}`), sql),
      );
    }
  }
}

/** Makes a table of SQLite anew with another definition and the same columns: it can't change a column's type. */
async function remake(runner: QueryRunner, table: string, change: (sql: string) => string): Promise<void> {
  const made: { type: string; name: string; sql: string | null }[] = await runner.query(
    `SELECT type, name, sql FROM sqlite_master WHERE tbl_name = '${table}' AND sql IS NOT NULL`,
  );
  const definition = made.find(({ type }) => type === 'table')?.sql ?? '';
  const indices = made.filter(({ type }) => type === 'index');
  for (const { name } of indices) await runner.query(`DROP INDEX "${name}"`);
  await runner.query(`ALTER TABLE "${table}" RENAME TO "${table}_before"`);
  await runner.query(change(definition));
  await runner.query(`INSERT INTO "${table}" SELECT * FROM "${table}_before"`);
  await runner.query(`DROP TABLE "${table}_before"`);
  for (const { sql } of indices) if (sql !== null) await runner.query(sql);
}
