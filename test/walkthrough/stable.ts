/**
 * Takes out of a text what is another at each run, so that it can be compared: ids that are known get their names, times are rounded
 * down to the hour, and digests, tokens, positions in the log and durations become placeholders. Tables are laid out anew.
 */
export class Stable {
  private readonly names = new Map<string, string>();

  /** From now on `value` is shown as `name`. */
  know(value: string, name: string): void {
    this.names.set(value, name);
  }

  /** The value that is shown as `name`. @throws Error if nothing is. */
  valueOf(name: string): string {
    for (const [value, known] of this.names) if (known === name) return value;
    throw new Error(`nothing is called ${name}`);
  }

  /** A text with the names of what is known. */
  named(text: string): string {
    // The longest first: one may be part of another.
    const known = [...this.names].sort(([a], [b]) => b.length - a.length);
    return known.reduce((named, [value, name]) => named.replaceAll(value, name), text);
  }

  /** What a program printed, with nothing in it that is another the next time. */
  printed(text: string): string {
    let stable = this.named(text);
    for (const [pattern, placeholder] of placeholders) stable = stable.replace(pattern, placeholder);
    return stable.replace(/┌[^]*?┘/g, laidOut);
  }
}

/** The machine is told of under the name of whatever computer this runs on. */
const hostname = 'web-1';

/** What stands in the place of all that is in a column. */
const columns: Readonly<Record<string, string>> = { position: '<n>', hostname };

const placeholders: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<signed token>'],
  [/(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\d(?:\.\d+)?Z/g, '$1:00Z'],
  [/\b[0-9a-f]{64}\b/g, '<digest>'],
  [/\broot [0-9a-f]{12}…/g, 'root <digest>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>'],
  [/\b([A-Z]\w+) at \d+\b/g, '$1 at <n>'],
  [/\b(in|took) \d+ ms\b/g, '$1 <n> ms'],
  [/\+live\.(\d+)\.[0-9a-f]{8}\b/g, '+live.$1.<digest>'],
  [/\bbundle-[\w-]{16}/g, '<key>'],
  [/\benrolled as \S+/g, `enrolled as ${hostname}`],
];

/** A table of `splicectl` whose cells have changed their widths. */
function laidOut(table: string): string {
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [titles = [], ...records] = rows;
  for (const [column, title] of titles.entries()) {
    const placeholder = columns[title];
    if (placeholder !== undefined) for (const record of records) record[column] = placeholder;
  }
  const widths = titles.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const rule = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}`;
  const [head, ...body] = rows.map((row) => `│${row.map((cell, n) => ` ${cell.padEnd(widths[n] ?? 0)} `).join('│')}│`);
  return [rule('┌', '┬', '┐'), head, rule('├', '┼', '┤'), ...body, rule('└', '┴', '┘')].join('\n');
}
