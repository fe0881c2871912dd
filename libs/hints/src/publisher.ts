import type { Hint } from '#libs/contracts';

export type HintErrorCode =
  /** The hint breaks its schema, or the subject isn't one of `feed.>`. */
  | 'bad-hint'
  /** The server can't be reached, or refuses the credentials. */
  | 'unavailable';

export class HintError extends Error {
  override readonly name = 'HintError';
  constructor(
    readonly code: HintErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Says at once that there is news. A hint may be lost and proves nothing: who hears one asks over HTTP, and who hears none
 * asks now and then.
 */
export abstract class HintPublisher {
  /** Resolves when the hint has left for the server. @throws HintError */
  abstract publish(subject: string, hint: Hint): Promise<void>;
  abstract close(): Promise<void>;
}
