import { type ChangelogEntry, ChangelogError, type ChangelogItem } from './changelog.js';
import { itemOf } from './item.js';

const maxEntries = 20_000;
const maxItemsPerEntry = 50_000;
const maxBulletLines = 64;

/** Collects the bullets of one entry, unwrapping the lines of each. */
export class Bullets {
  readonly items: ChangelogItem[] = [];
  /** The name in `[ Name ]`. */
  private author: string | undefined;
  /** `New upstream stable update`, over the nested bullets. */
  private heading: string | undefined;
  private lines: string[] = [];

  /** @param line where it begins, for the error. */
  begin(text: string, level: 'top' | 'nested', line: number): void {
    this.end();
    if (level === 'top') this.heading = undefined;
    if (this.items.length >= maxItemsPerEntry) {
      throw new ChangelogError('too-large', `an entry of more than ${maxItemsPerEntry} items`, line);
    }
    this.lines = [text];
  }

  /** A line that goes on with the bullet before it; past a bound it is dropped. */
  wrap(text: string): void {
    if (this.lines.length > 0 && this.lines.length < maxBulletLines) this.lines.push(text);
  }

  /** What follows was written by somebody of this name. */
  beginAuthor(name: string): void {
    this.end();
    this.author = name;
    this.heading = undefined;
  }

  end(): void {
    const text = this.lines.join(' ');
    this.lines = [];
    if (text.endsWith(':')) {
      this.heading = text.slice(0, -1);
    } else if (text !== '') {
      const item = itemOf(text, this.heading ?? this.author);
      if (item) this.items.push(item);
    }
  }
}

/** `Name <mail>`; either may be missing. */
export function authorOf(text: string): ChangelogEntry['author'] {
  const open = text.lastIndexOf('<');
  const close = text.indexOf('>', open);
  const name = (open < 0 ? text : text.slice(0, open)).trim().slice(0, 256);
  const email = open < 0 || close < 0 ? '' : text.slice(open + 1, close).trim();
  return { name, email: email.slice(0, 320) };
}

/** An RFC 5322 date or a calendar day as ISO 8601. @throws ChangelogError `malformed`. */
export function isoOf(date: string, line: number): string {
  const time = date.length > 64 ? Number.NaN : Date.parse(date);
  const year = new Date(time).getUTCFullYear();
  if (Number.isNaN(time) || year < 1970 || year > 9999) {
    throw new ChangelogError('malformed', `no date: ${JSON.stringify(date.slice(0, 64))}`, line);
  }
  return new Date(time).toISOString();
}

/** @throws ChangelogError `too-large`. */
export function pushEntry(entries: ChangelogEntry[], entry: ChangelogEntry, line: number): void {
  if (entries.length >= maxEntries) throw new ChangelogError('too-large', `more than ${maxEntries} entries`, line);
  entries.push(entry);
}
