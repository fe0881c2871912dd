import Table from 'cli-table3';
import { z } from 'zod';
import { printable, printableLine } from '#libs/terminal';
import { fitted } from './table/fitted.js';

/** The answer of a resource, read loosely: what is shown is chosen by name. */
export const recordSchema = z.record(z.string(), z.unknown());
export type ResourceRecord = z.infer<typeof recordSchema>;

/** Prints for programs: one JSON document with the version of its shape. */
export function printJson(value: object): void {
  process.stdout.write(`${printable(JSON.stringify({ schema: 1, ...value }, null, 2))}\n`);
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(cell).join(' ');
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Prints for people: a row a record, a column a name. */
export function printTable(columns: readonly string[], rows: readonly ResourceRecord[]): void {
  // No terminal has no columns, and one that doesn't know its size says 0.
  process.stdout.write(`${tableText(columns, rows, process.stdout.columns || Infinity)}\n`);
}

/** A table no wider than `width`, as far as that can be; all there is, where it is infinite. */
export function tableText(columns: readonly string[], rows: readonly ResourceRecord[], width: number): string {
  const cells = [columns.map(printable), ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const borders = 3 * columns.length + 1;
  const [head = [], ...body] = fitted(cells, width - borders);
  const table = new Table({
    head,
    style: { head: width === Infinity ? [] : ['bold'], border: [], compact: true },
    wordWrap: true,
  });
  table.push(...body);
  return table.toString();
}

/** Prints lines for people. */
export function printLines(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${printableLine(line)}\n`).join(''));
}

/** Says what went wrong. */
export function printError(message: string): void {
  process.stderr.write(`splicectl: ${printable(message)}\n`);
}

/** Prints one record for people. */
export function printRecord(record: ResourceRecord): void {
  process.stdout.write(`${printable(recordLines(record).join('\n'))}\n`);
}

/**
 * A record for people: a line a member; what has members of its own is indented below its name, and in a list each begins with a dash. What
 * is not known is not shown.
 */
export function recordLines(record: ResourceRecord): string[] {
  const members = Object.entries(record).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...members.filter(([, value]) => !hasMembers(value)).map(([key]) => key.length));
  return members.flatMap(([key, value]) => {
    if (!hasMembers(value)) return [`${key.padEnd(width)}  ${cell(value)}`.trimEnd()];
    const parts = Array.isArray(value) ? value.map((part) => indented(part, '- ')) : [indented(value, '  ')];
    return [key, ...parts.flat()];
  });
}

/** Whether it takes more than its line. */
function hasMembers(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasMembers);
  return typeof value === 'object' && value !== null;
}

function indented(part: unknown, first: string): string[] {
  const parsed = recordSchema.safeParse(part);
  const lines = parsed.success ? recordLines(parsed.data) : [cell(part)];
  return lines.map((line, n) => `${n === 0 ? first : '  '}${line}`);
}
