export type RequestErrorCode =
  /** No answer in time; whether the request was carried out is unknown. */
  | 'timeout'
  /** Nobody answers this subject now. */
  | 'no-responder'
  /** The responder refused; `refusal` says why. */
  | 'refused';

/** Why a responder refused: a code for programs and a sentence for people. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    readonly code: RequestErrorCode,
    message: string,
    readonly refusal?: Refusal,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Answers the requests of a subject until it is stopped. */
export interface Responder {
  stop(): Promise<void>;
}

/** Default time to wait for an answer. */
export const requestTimeoutMs = 5_000;
/** Largest body of a request or answer, as JSON. */
export const maxRequestBytes = 1_000_000;

/** Questions between stages that want an answer now and leave no trace in the log, such as a token to sign. */
export abstract class Requests {
  /**
   * Asks one of the responders of `subject` (dotted lower-case tokens, e.g. `sign.token`).
   * @returns the answer as parsed JSON, unchecked: parse it with its schema.
   * @throws RequestError
   */
  abstract request(subject: string, body: unknown, timeoutMs?: number): Promise<unknown>;

  /**
   * Answers `subject`; responders of one `group` share the requests. What `answer` throws reaches the asker as a `refused`
   * with the error's `code` (`internal` where it has none).
   */
  abstract respond(subject: string, group: string, answer: (body: unknown) => Promise<unknown>): Promise<Responder>;

  abstract close(): Promise<void>;
}
