export type KbuildErrorCode =
  /** A Makefile of the source doesn't evaluate. */
  | 'makefile-failed'
  /** An object needs a file that the vendor's build writes, and that neither source nor packages have. */
  | 'generated-source'
  /** The source doesn't compile; the message is the compiler's own first lines. */
  | 'compile-failed'
  /** The compiler or objtool took too long. */
  | 'timed-out'
  /** objtool refused the object. */
  | 'objtool-failed'
  /** The compiler that the kernel was built with isn't installed here. */
  | 'compiler-not-found'
  /** A name that can't stand in a Makefile, or leads out of the tree. */
  | 'bad-path'
  /** More files or bytes than a build may take. */
  | 'too-much';

/** Why something can't be compiled as the vendor did. */
export class KbuildError extends Error {
  override readonly name = 'KbuildError';
  constructor(
    readonly code: KbuildErrorCode,
    message: string,
    /** The object or source file it is about. */
    readonly path?: string,
  ) {
    super(message);
  }
}
