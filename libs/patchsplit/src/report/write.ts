import type { SplitReport } from './schema.js';

/**
 * The report as JSON, with a line for each commit, entry, file and so on: `grep` and `diff` work on it, and ten thousand hunks stay
 * small. The same report gives the same bytes.
 */
export function reportJson(report: SplitReport): string {
  const members = Object.entries(report).map(([name, value]: [string, unknown]) => {
    if (!Array.isArray(value) || value.length === 0) return `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    return `${JSON.stringify(name)}: [\n${value.map((one) => JSON.stringify(one)).join(',\n')}\n]`;
  });
  return `{\n${members.join(',\n')}\n}\n`;
}
