/**
 * Ends an exchange, whatever it waits for. The signal of a request alone doesn't: once its answer has begun, Node's fetch (undici; seen with Node
 * 20.20) holds the request only weakly, and after a garbage collection nobody ends the body any more, so a slow mirror could hold the agent for
 * ever (slow retrieval, TUF § 5). So each wait is raced here too.
 */
export class Deadline {
  private readonly ending = new AbortController();
  private readonly ended: Promise<never>;
  private readonly timer: NodeJS.Timeout;

  /** @param outer ends it early. */
  constructor(
    timeoutMs: number,
    private readonly outer?: AbortSignal,
  ) {
    this.ended = new Promise((_, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error), { once: true });
    });
    // Nobody may be waiting when it comes.
    this.ended.catch(() => undefined);
    // An exchange that is done must not keep the program from ending.
    this.timer = setTimeout(() => this.ending.abort(new DOMException('it took too long', 'TimeoutError')), timeoutMs);
    this.timer.unref();
    if (outer?.aborted === true) this.endEarly();
    else outer?.addEventListener('abort', this.endEarly, { once: true });
  }

  /** For `fetch`, which closes the connection by it where it still can. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** What `step` gives. @throws DOMException `TimeoutError`, or the outer signal's reason, if that comes first. */
  race<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.ended]);
  }

  /** The exchange is over. */
  close(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener('abort', this.endEarly);
  }

  private readonly endEarly = (): void => this.ending.abort(this.outer?.reason);
}
