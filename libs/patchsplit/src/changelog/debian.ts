import { type Changelog, type ChangelogEntry, ChangelogError } from './changelog.js';
import { authorOf, Bullets, isoOf, pushEntry } from './entries.js';

interface OpenEntry {
  readonly version: string;
  readonly line: number;
  readonly bullets: Bullets;
}

/** @throws ChangelogError */
export function parseDebian(lines: readonly string[]): Changelog {
  const entries: ChangelogEntry[] = [];
  let open: OpenEntry | undefined;
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    if (text.startsWith(' -- ')) {
      if (!open) throw new ChangelogError('malformed', 'a closing line without an entry', line);
      pushEntry(entries, closed(open, text, line), line);
      open = undefined;
    } else if (/^[a-z0-9]/i.test(text)) {
      if (open) throw new ChangelogError('malformed', `entry ${open.version} has no closing line`, open.line);
      open = { version: versionOf(text, line), line, bullets: new Bullets() };
    } else if (open) {
      readBody(open.bullets, text, line);
    }
  }
  if (open) throw new ChangelogError('malformed', `entry ${open.version} has no closing line`, open.line);
  return { style: 'debian', entries };
}

/** `linux (6.1.192-2) bookworm-security; urgency=high` */
function versionOf(text: string, line: number): string {
  const version = /^\S{1,128} \(([^()\s]{1,128})\)/.exec(text)?.[1];
  if (version === undefined) throw new ChangelogError('malformed', 'the first line of an entry names no version', line);
  return version;
}

/** ` -- Name <mail>  Mon, 16 Nov 2026 11:17:40 +0100` */
function closed({ version, bullets }: OpenEntry, text: string, line: number): ChangelogEntry {
  bullets.end();
  const end = text.lastIndexOf('>') + 1;
  if (end === 0) throw new ChangelogError('malformed', 'the closing line names no author', line);
  const at = isoOf(text.slice(end).trim(), line);
  return { version, at, author: authorOf(text.slice(4, end)), items: bullets.items };
}

function readBody(bullets: Bullets, text: string, line: number): void {
  const content = text.trim();
  const indent = text.length - text.trimStart().length;
  if (content === '' || /^https?:\/\//.test(content)) {
    // The address of the upstream ChangeLog stands between the commits.
    bullets.end();
  } else if (/^\[ .{1,200} \]$/.test(content)) {
    bullets.beginAuthor(content.slice(2, -2).trim());
  } else if (/^[*+-] /.test(content) && indent <= 4) {
    // Deeper, it is a wrapped line: `hwrng: stm32` and below it `- Fix runtime PM`.
    bullets.begin(content.slice(2).trim(), indent <= 2 ? 'top' : 'nested', line);
  } else {
    bullets.wrap(content);
  }
}
