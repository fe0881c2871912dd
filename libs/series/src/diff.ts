import { unquoted } from './quoted.js';

/** A run of changed lines: `removed` go, at line `at` (from 0) of the file before, and `added` take their place. */
export interface Hunk {
  readonly at: number;
  /** Lines with their ends; the last of a file may have none. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** The line that git names as the beginning of the function or structure around. */
  readonly inside: string;
}

/** What one commit does to one file. Text is latin1 of the file's bytes. */
export interface FileDiff {
  /** Its bytes as latin1. */
  readonly path: string;
  readonly kind: 'modified' | 'added' | 'deleted';
  /** Git shows no lines of it. */
  readonly binary: boolean;
  readonly hunks: readonly Hunk[];
}

const header = /^diff --git (?:a\/(.+) b\/\1|"a\/(.+)" "b\/\2")$/;
const range = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@ ?(.*)$/;

/** Reads a unified diff without context, as git writes it with `-U0 --no-renames`. */
export function parseDiff(diff: Uint8Array): readonly FileDiff[] {
  const lines = Buffer.from(diff.buffer, diff.byteOffset, diff.length).toString('latin1').split('\n');
  const files: FileDiff[] = [];
  for (let at = 0; at < lines.length;) {
    const [found, plain, quoted] = header.exec(lines[at] ?? '') ?? [];
    at += 1;
    if (found === undefined) continue;
    const path = plain ?? unquoted(`"${quoted}"`);
    const file = readFile(lines, at, path);
    files.push(file.diff);
    at = file.end;
  }
  return files;
}

function readFile(lines: readonly string[], start: number, path: string): { diff: FileDiff; end: number } {
  let kind: FileDiff['kind'] = 'modified';
  let binary = false;
  const hunks: Hunk[] = [];
  let at = start;
  for (; at < lines.length && !(lines[at] ?? '').startsWith('diff --git ');) {
    const line = lines[at] ?? '';
    const found = range.exec(line);
    if (found) {
      const count = Number(found[2] ?? 1);
      const { removed, added, end } = readLines(lines, at + 1);
      // Where nothing goes, git names the line before.
      hunks.push({ at: Number(found[1]) - (count === 0 ? 0 : 1), removed, added, inside: found[3] ?? '' });
      at = end;
      continue;
    }
    if (line.startsWith('new file ')) kind = 'added';
    if (line.startsWith('deleted file ')) kind = 'deleted';
    if (line.startsWith('Binary files ') || line === 'GIT binary patch') binary = true;
    at += 1;
  }
  return { diff: { path, kind, binary, hunks }, end: at };
}

function readLines(
  lines: readonly string[],
  start: number,
): { removed: readonly string[]; added: readonly string[]; end: number } {
  const removed: string[] = [];
  const added: string[] = [];
  let at = start;
  for (let last: string[] | undefined; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.startsWith('\\')) last?.push((last.pop() ?? '').slice(0, -1));
    else if (line.startsWith('-')) (last = removed).push(`${line.slice(1)}\n`);
    else if (line.startsWith('+')) (last = added).push(`${line.slice(1)}\n`);
    else break;
  }
  return { removed, added, end: at };
}
