import { linesIn } from '../hunks/lines.js';
import { type Candidate, CandidateError } from './candidate.js';
import { parseDiff } from './parse-diff.js';

const maxSubjectLength = 1024;
const maxBodyLength = 64 * 1024;
const maxHeaders = 500;

/** Whether a line begins a message of an mbox: git's own `From <id> Mon Sep 17 00:00:00 2001`, or a mailer's. */
export function beginsMessage(line: string): boolean {
  return /^From (?:[0-9a-f]{40}|\S{1,320}) +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d/.test(
    line,
  );
}

/**
 * Reads one patch as git format-patch writes it, or any mail or file with a diff in it.
 * @param text the message's bytes as latin1. @throws CandidateError
 */
export function parseMail(text: string): Candidate {
  const all = linesIn(/^[^\n]*\r\n/.test(text) && !/^[^\r\n]*\n/m.test(text) ? text.replaceAll('\r\n', '\n') : text);
  const diffAt = all.findIndex((line, at) => beginsDiff(line, all[at + 1]));
  if (diffAt < 0) throw new CandidateError('no-patch', 'there is no diff in it');
  const head = all.slice(0, diffAt).map((line) => line.replace(/\r?\n$/, ''));
  const { headers, bodyAt } = headersOf(head);
  const files = parseDiff(signatureDropped(all.slice(diffAt)));
  const id = /^From ([0-9a-f]{40}) /.exec(head[0] ?? '')?.[1] ?? /^commit ([0-9a-f]{40})\b/.exec(head[0] ?? '')?.[1];
  const subject = utf8(decodedWords(headers.get('subject') ?? '')).replace(/^(?:\s*\[PATCH[^\]]{0,60}\]\s*)+/i, '');
  return {
    ...(id === undefined ? {} : { id }),
    author: authorOf(headers),
    subject: subject.replace(/\s+/g, ' ').trim().slice(0, maxSubjectLength),
    body: bodyOf(head.slice(bodyAt)),
    files,
  };
}

function beginsDiff(line: string, next: string | undefined): boolean {
  return line.startsWith('diff --git ') || (line.startsWith('--- ') && (next ?? '').startsWith('+++ '));
}

function headersOf(head: readonly string[]): { headers: Map<string, string>; bodyAt: number } {
  const headers = new Map<string, string>();
  let at = beginsMessage(head[0] ?? '') ? 1 : 0;
  let name: string | undefined;
  for (; at < Math.min(head.length, maxHeaders); at++) {
    const line = head[at] ?? '';
    const [, field, value] = /^([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]?(.*)$/s.exec(line) ?? [];
    if (field !== undefined) {
      name = field.toLowerCase();
      if (!headers.has(name)) headers.set(name, value ?? '');
    } else if (/^[ \t]/.test(line) && name !== undefined) {
      headers.set(name, `${headers.get(name) ?? ''} ${line.trim()}`);
    } else break;
  }
  return { headers, bodyAt: head[at] === '' ? at + 1 : at };
}

/** `=?UTF-8?q?=C3=A4?=` (RFC 2047) as latin1 bytes; other charsets are taken as they are. */
function decodedWords(text: string): string {
  return text
    .replace(/\?=[ \t]+=\?/g, '?==?')
    .replace(/=\?([\w-]{1,40})\?([qb])\?([^?]{0,1000})\?=/gi, (_, charset: string, encoding: string, data: string) => {
      const bytes =
        encoding.toLowerCase() === 'b'
          ? Buffer.from(data, 'base64').toString('latin1')
          : data
              .replaceAll('_', ' ')
              .replace(/=([0-9A-F]{2})/gi, (__, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      return /^utf-?8$/i.test(charset) ? bytes : Buffer.from(bytes, 'utf8').toString('latin1');
    });
}

function authorOf(headers: ReadonlyMap<string, string>): Candidate['author'] {
  const from = utf8(decodedWords(headers.get('from') ?? headers.get('author') ?? ''));
  const [, name = from, email = ''] = /^"?(.*?)"?\s*<([^<>]*)>/.exec(from) ?? [];
  const time = Date.parse((headers.get('date') ?? '').slice(0, 64));
  const at = new Date(time >= 0 && time < 253_402_300_800_000 ? time : 0);
  return { name: name.slice(0, 256), email: email.slice(0, 320), at };
}

/** The message up to `---` and the diffstat. */
function bodyOf(lines: readonly string[]): string {
  const end = lines.indexOf('---');
  return utf8((end < 0 ? lines : lines.slice(0, end)).join('\n').slice(0, maxBodyLength)).trim();
}

/** Without the `-- ` and version that format-patch ends with: a hunk would take them for a removed line. */
function signatureDropped(lines: readonly string[]): readonly string[] {
  const from = Math.max(0, lines.length - 5);
  const at = lines.slice(from).findIndex((line) => line === '-- \n');
  return at < 0 ? lines : lines.slice(0, from + at);
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
