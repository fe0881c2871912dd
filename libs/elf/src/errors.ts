export type ElfErrorCode =
  /** The magic bytes are missing. */
  | 'not-elf'
  /** For another machine than x86-64, or of another class or byte order; the message names it. */
  | 'other-architecture'
  /** Well-formed perhaps, but of a kind that isn't read here. */
  | 'unsupported'
  /** A structure reaches past the end of the file or of its section. */
  | 'truncated'
  /** A count or size over the bounds that this reader sets itself. */
  | 'too-large'
  | 'bad-header'
  | 'bad-section'
  | 'bad-symbol'
  | 'bad-relocation'
  | 'bad-string'
  | 'bad-note';

/** What is wrong with an ELF file, and at which byte of it (or of the section the message names). */
export class ElfError extends Error {
  override readonly name = 'ElfError';
  constructor(
    readonly code: ElfErrorCode,
    readonly offset: number,
    message: string,
  ) {
    super(`${message} (at byte ${offset})`);
  }
}
