export type ProgramErrorCode =
  /** A file of the program isn't in `dist/`. */
  | 'not-built'
  /** A package that it imports isn't in `node_modules/`. */
  | 'not-installed'
  /** It imports so much that something must be wrong. */
  | 'too-large';

/** A program that can't be taken along; the message says what to run. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  constructor(
    readonly code: ProgramErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
