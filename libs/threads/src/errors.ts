export type ThreadErrorCode =
  /** It needed more memory than it was given. */
  | 'out-of-memory'
  /** It ended, and said nothing. */
  | 'ended';

/** A thread that came to no answer. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
  constructor(
    readonly code: ThreadErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What an error is, as it can be sent from one thread to another: a copy of it would lose its name and its code. */
export interface ToldError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
}

export function toldError(error: unknown): ToldError {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { name, message, stack, ...(code === undefined ? {} : { code }) };
}

/** The same error on this side, with its name, its code and where it was thrown; of its class it is no more. */
export function errorTold({ name, message, stack, code }: ToldError): Error {
  const error = Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
  error.stack = stack;
  return error;
}
