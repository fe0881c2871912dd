export type SignRefusalCode =
  | 'malformed-request'
  /** The log does not hold what is to be signed. */
  | 'not-in-log'
  | 'license-revoked'
  /** Longer than any lease may last. */
  | 'lease-too-long'
  | 'lease-ended';

/** Something that is not signed. Its code reaches the one who asked. */
export class SignRefusal extends Error {
  override readonly name = 'SignRefusal';
  constructor(
    readonly code: SignRefusalCode,
    message: string,
  ) {
    super(message);
  }
}
