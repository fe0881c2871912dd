import Table from 'cli-table3';
import { z } from 'zod';

/** The answer of a resource, read loosely: what is shown is chosen by name. */
export const recordSchema = z.record(z.string(), z.unknown());
export type ResourceRecord = z.infer<typeof recordSchema>;

/** Prints for programs: one JSON document with the version of its shape. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify({ schema: 1, ...value }, null, 2)}\n`);
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(cell).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Prints for people: a row a record, a column a name. */
export function printTable(columns: readonly string[], rows: readonly ResourceRecord[]): void {
  const table = new Table({
    head: [...columns],
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true },
    wordWrap: true,
  });
  for (const row of rows) table.push(columns.map((column) => cell(row[column])));
  process.stdout.write(`${table.toString()}\n`);
}

/** Prints one record for people, a line a member. */
export function printRecord(record: ResourceRecord): void {
  const width = Math.max(...Object.keys(record).map((key) => key.length));
  for (const [key, value] of Object.entries(record)) process.stdout.write(`${key.padEnd(width)}  ${cell(value)}\n`);
}
