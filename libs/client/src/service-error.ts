/** The service said no, or nothing. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  constructor(
    /** Of HTTP; 0 where no answer came. */
    readonly status: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What the system calls the reason for which nobody could be reached, and what to do about it. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: start the service (`npm start`), or say where it is',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name can’t be looked up now',
  ECONNRESET: 'the connection broke off: try again',
  UND_ERR_SOCKET: 'the connection broke off: try again',
};

/** `fetch` says no more than that it failed; the reason is in its cause. */
export function unreachable(url: string, error: unknown): ServiceError {
  const { name, message, cause } = error as Error;
  const { code = '', message: detail = message } = (cause ?? {}) as { code?: string; message?: string };
  const why = name === 'TimeoutError' ? 'no answer in time: try again' : (reasons[code] ?? detail);
  return new ServiceError(0, `can’t reach the service at ${url}: ${why}`, { cause: error });
}
