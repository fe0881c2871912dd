import { unquoted } from '#libs/series';
import { binaryChange } from './binary.js';
import { type BinaryChange, CandidateError, type FilePatch, type PatchHunk } from './candidate.js';
import { checkedPath, gitHeaderPaths, strippedPath } from './patch-path.js';

const maxFiles = 50_000;
const maxHunks = 500_000;

interface OpenFile {
  from: string | undefined;
  to: string | undefined;
  copied: boolean;
  mode: string | undefined;
  oldMode: string | undefined;
  hunks: PatchHunk[];
  binary: BinaryChange | undefined;
}

/**
 * Reads a diff as git writes it (or plain unified), with renames, modes and binaries.
 * @param lines with their ends, latin1. @throws CandidateError
 */
export function parseDiff(lines: readonly string[]): FilePatch[] {
  const files: OpenFile[] = [];
  let hunks = 0;
  let file: OpenFile | undefined;
  for (let at = 0; at < lines.length;) {
    const line = chomped(lines[at] ?? '');
    if (line.startsWith('diff --git ')) {
      if (files.length >= maxFiles) throw new CandidateError('too-large', `a patch of more than ${maxFiles} files`);
      file = openFile(...gitHeaderPaths(line.slice('diff --git '.length)));
      files.push(file);
      at += 1;
    } else if (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ')) {
      if (!file || file.hunks.length > 0) files.push((file = openFile()));
      readNames(file, line.slice(4), chomped(lines[at + 1] ?? '').slice(4));
      at += 2;
    } else if (file && line.startsWith('@@ -')) {
      if (++hunks > maxHunks) throw new CandidateError('too-large', `a patch of more than ${maxHunks} hunks`);
      at = readHunk(file, lines, at);
    } else if (file && line === 'GIT binary patch') {
      const read = binaryChange(lines, at + 1);
      file.binary = read.change;
      at = read.next;
    } else {
      if (file) readHeader(file, line);
      at += 1;
    }
  }
  return files.map(closed);
}

const openFile = (from?: string, to?: string): OpenFile => ({
  from,
  to,
  copied: false,
  mode: undefined,
  oldMode: undefined,
  hunks: [],
  binary: undefined,
});

function closed({ from, to, copied, mode, oldMode, hunks, binary }: OpenFile): FilePatch {
  if (from === undefined && to === undefined) throw new CandidateError('malformed', 'a diff of no file');
  return {
    ...(from === undefined ? {} : { from: checkedPath(from) }),
    ...(to === undefined ? {} : { to: checkedPath(to) }),
    copied,
    ...(mode === undefined ? {} : { mode }),
    ...(oldMode === undefined ? {} : { oldMode }),
    hunks,
    ...(binary === undefined ? {} : { binary }),
  };
}

function readHeader(file: OpenFile, line: string): void {
  const [, word, value = ''] =
    /^(old mode|new mode|new file mode|deleted file mode|rename from|rename to|copy from|copy to) (.*)$/s.exec(line) ??
    [];
  switch (word) {
    case 'old mode':
      file.oldMode = value;
      return;
    case 'new mode':
      file.mode = value;
      return;
    case 'new file mode':
      file.mode = value;
      file.from = undefined;
      return;
    case 'deleted file mode':
      file.to = undefined;
      return;
    case 'copy from':
      file.copied = true;
      file.from = unquoted(value);
      return;
    case 'rename from':
      file.from = unquoted(value);
      return;
    case 'copy to':
    case 'rename to':
      file.to = unquoted(value);
      return;
    default:
      return;
  }
}

/** `--- a/x` and `+++ b/x`: only a patch that git didn't write needs them. */
function readNames(file: OpenFile, from: string, to: string): void {
  if (file.from !== undefined || file.to !== undefined) return;
  file.from = strippedPath(from);
  file.to = strippedPath(to);
}

/** Reads one hunk with its lines; gives the index after it. */
function readHunk(file: OpenFile, lines: readonly string[], start: number): number {
  const header = chomped(lines[start] ?? '');
  const [, oldStart, oldCount = '1', newCount = '1', section = ''] =
    /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@ ?(.*)$/s.exec(header) ?? [];
  if (oldStart === undefined) throw new CandidateError('malformed', `no hunk: ${header.slice(0, 80)}`);
  let old = Number(oldCount);
  let fresh = Number(newCount);
  const signs: string[] = [];
  const texts: string[] = [];
  let at = start + 1;
  for (; old > 0 || fresh > 0 || (lines[at] ?? '').startsWith('\\'); at++) {
    const line = lines[at];
    if (line === undefined) throw new CandidateError('malformed', `a hunk ends early: ${header.slice(0, 80)}`);
    const sign = line === '\n' ? ' ' : line.charAt(0);
    if (sign === '\\') {
      const last = texts.pop();
      if (last !== undefined) texts.push(last.endsWith('\n') ? last.slice(0, -1) : last);
      continue;
    }
    if (sign !== ' ' && sign !== '-' && sign !== '+') {
      throw new CandidateError('malformed', `a hunk with a line that begins with ${JSON.stringify(sign)}`);
    }
    if (sign !== '+') old -= 1;
    if (sign !== '-') fresh -= 1;
    signs.push(sign);
    texts.push(line === '\n' ? line : line.slice(1));
  }
  if (old < 0 || fresh < 0) throw new CandidateError('malformed', `counts that don't fit: ${header.slice(0, 80)}`);
  file.hunks.push({ oldStart: Number(oldStart), section, signs: signs.join(''), lines: texts });
  return at;
}

function chomped(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line;
}
