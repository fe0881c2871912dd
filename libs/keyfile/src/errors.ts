export type KeyFileErrorCode =
  /** No key file, or one that was changed. */
  | 'malformed-key'
  /** The passphrase is not the one that the key was sealed with. */
  | 'wrong-passphrase'
  /** The key is sealed, and nobody gave a passphrase. */
  | 'passphrase-missing'
  /** A passphrase that is too short, too long, or of a file that others can read. */
  | 'bad-passphrase'
  /** Others can read the file, or it isn't ours. */
  | 'keys-exposed'
  /** There is a file already: a key is never written over. */
  | 'key-exists'
  | 'key-missing';

/** A key that can't be used. Never carries key material, nor a passphrase. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  constructor(
    readonly code: KeyFileErrorCode,
    message: string,
  ) {
    super(message);
  }
}
