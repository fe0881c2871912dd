export type AccessRefusalCode =
  'token-unknown' | 'token-exists' | 'token-revoked' | 'ends-before-it-begins' | 'overlap-too-long';

/** A command on tokens that isn't allowed. Nothing was decided. */
export class AccessRefusal extends Error {
  override readonly name = 'AccessRefusal';
  constructor(
    readonly code: AccessRefusalCode,
    message: string,
    /** The field of the command that it is about. */
    readonly field?: string,
  ) {
    super(message);
  }
}
