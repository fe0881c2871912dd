import { z } from 'zod';

const authorSchema = z.object({ name: z.string().max(256), email: z.string().max(320) });

/** One line of a changelog: as a rule, the subject of one commit. */
export const changelogItemSchema = z.object({
  /** Unwrapped, without its bullet, CVE ids, bug numbers and `[arch]` tags. */
  subject: z.string().min(1).max(1024),
  cves: z.array(z.string().max(32)).max(64),
  /** What it stands under: an `[ Author ]` line or a `* New upstream stable update:` of Debian's. */
  section: z.string().max(256).optional(),
});
export type ChangelogItem = z.infer<typeof changelogItemSchema>;

export const changelogEntrySchema = z.object({
  /** As the package writes it, e.g. `6.1.192-2`. */
  version: z.string().min(1).max(128),
  /** When the entry was closed (ISO 8601, UTC). */
  at: z.iso.datetime(),
  author: authorSchema,
  /** As in the file; vendors write the oldest commit of an entry first. */
  items: z.array(changelogItemSchema).max(50_000),
});
export type ChangelogEntry = z.infer<typeof changelogEntrySchema>;

export const changelogSchema = z.object({
  style: z.enum(['debian', 'rpm']),
  /** The newest first, as in the file. */
  entries: z.array(changelogEntrySchema).max(20_000),
});
export type Changelog = z.infer<typeof changelogSchema>;

/** An item with what is known of the release it belongs to. */
export interface StepItem extends ChangelogItem {
  readonly version: string;
  readonly at: string;
  readonly author: ChangelogEntry['author'];
}

export type ChangelogErrorCode =
  /** Neither Debian's style nor RPM's. */
  | 'unknown-style'
  /** Over the bounds on bytes, entries or items. */
  | 'too-large'
  /** An entry without its closing line (author and date), or with a date that is none. */
  | 'malformed';

/** A changelog that is refused; `line` is where (from 1). */
export class ChangelogError extends Error {
  override readonly name = 'ChangelogError';
  constructor(
    readonly code: ChangelogErrorCode,
    message: string,
    readonly line?: number,
  ) {
    super(line === undefined ? message : `line ${line}: ${message}`);
  }
}
