export type TokenErrorCode =
  /** What names the key is no `pkcs11:` URI with a token, an object and a module. */
  | 'malformed-uri'
  /** The package opensc isn't installed. */
  | 'tool-missing'
  /** No such token or key, a wrong PIN, or a token that doesn't do what is asked. */
  | 'token-refused'
  /** The key is of another kind than ECDSA P-256. */
  | 'wrong-key';

/** A key in a token can't be used. Never carries a PIN. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  constructor(
    readonly code: TokenErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
