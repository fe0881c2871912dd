export type ArchiveErrorCode =
  /** Not of the kind that was asked for, or of no kind known here. */
  | 'not-an-archive'
  /** A known kind in a dialect that isn't read here. */
  | 'unsupported-format'
  /** Ends before it should. */
  | 'truncated'
  /** Contradicts its own format, or its checksums. */
  | 'malformed'
  /** An absolute path, one with `..`, one through a link, or one that git or a file system would take for something else. */
  | 'unsafe-path'
  /** A link whose target lies outside the tree. */
  | 'unsafe-link'
  | 'duplicate-entry'
  /** A device node, FIFO or socket. */
  | 'special-file'
  /** A file, or all files together, are over the limit. */
  | 'too-large'
  | 'too-many-entries'
  /** Inflates far more than real data does. */
  | 'bomb'
  /** What was looked for isn't in it. */
  | 'not-found'
  /** The disk or a child process failed: says nothing about the archive; may be tried again. */
  | 'read-failed';

/** An archive that is refused (or, by `read-failed`, couldn't be read just now). */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** In words, without the path: who names the file knows it by the name that it was given under. */
export function whyNotOpened(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EACCES') return 'it may not be read by this user';
  return `can't open the archive: ${message}`;
}
