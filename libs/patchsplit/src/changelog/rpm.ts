import { type Changelog, type ChangelogEntry, ChangelogError } from './changelog.js';
import { authorOf, Bullets, isoOf, pushEntry } from './entries.js';

const maxHeaderLength = 1024;
/** `* Mon Nov 16 2026 Name <mail> - 5.14.0-1`; the version may stand in brackets, or be missing. */
const headerPattern = /^\* [A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (?:\d\d:\d\d:\d\d [A-Z]{1,5} )?(\d{4}) (.+)$/;

/** @throws ChangelogError */
export function parseRpm(lines: readonly string[]): Changelog {
  const entries: ChangelogEntry[] = [];
  let bullets: Bullets | undefined;
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    if (text.startsWith('* ')) {
      bullets?.end();
      bullets = new Bullets();
      pushEntry(entries, headerOf(text, line, bullets), line);
    } else if (text.trim() === '') {
      bullets?.end();
    } else if (/^[-*+] ?\S/.test(text)) {
      bullets?.begin(text.slice(1).trim(), 'top', line);
    } else if (bullets) {
      bullets.wrap(text.trim());
    }
  }
  bullets?.end();
  return { style: 'rpm', entries };
}

/** The entry of a header; `bullets` fill its items as they are read. */
function headerOf(text: string, line: number, bullets: Bullets): ChangelogEntry {
  const [, month, day, year, rest] = headerPattern.exec(text.slice(0, maxHeaderLength)) ?? [];
  if (rest === undefined) throw new ChangelogError('malformed', 'an entry without day and author', line);
  const close = rest.lastIndexOf('>') + 1;
  const [, version] = /^[\s-]*\[?([^\s[\]]{1,128})\]?\s*$/.exec(rest.slice(close)) ?? [];
  // rpm itself takes noon, so that the day is the same in nearly every time zone.
  const at = isoOf(`${day} ${month} ${year} 12:00:00 GMT`, line);
  return { version: version ?? 'unversioned', at, author: authorOf(rest.slice(0, close)), items: bullets.items };
}
