/** What came back of a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** When the head of the answer was here, ms since the epoch. */
  readonly atMs: number;
  /** Absent where it broke off. */
  readonly body?: Buffer;
}

/** Sends a request, once. @returns undefined where no answer came: whether it was carried out is then unknown. */
export async function ask(url: string, init: RequestInit, timeoutMs: number): Promise<Answer | undefined> {
  let response: Response;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal });
  } catch {
    return undefined;
  }
  const head = { status: response.status, headers: response.headers, atMs: Date.now() };
  try {
    return { ...head, body: Buffer.from(await response.arrayBuffer()) };
  } catch {
    return head;
  }
}

/** The body as JSON; undefined if it is none. */
export function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
}
