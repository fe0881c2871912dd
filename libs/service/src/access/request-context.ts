import { AsyncLocalStorage } from 'node:async_hooks';
import type { Principal } from '#libs/access';

/** What is known of the request that is being answered. */
interface RequestContext {
  readonly requestId: string;
  principal?: Principal;
  /** Of what it gave rise to. */
  correlationId?: string;
}

const current = new AsyncLocalStorage<RequestContext>();
const byRequest = new WeakMap<object, RequestContext>();

/** Runs what answers a request, so that whatever it calls can say on whose behalf. */
export function inRequest(request: { readonly id: string }, answer: () => void): void {
  const context: RequestContext = { requestId: request.id };
  byRequest.set(request, context);
  current.run(context, answer);
}

/** Says who makes the request. */
export function identify(request: object, principal: Principal): void {
  const context = byRequest.get(request);
  if (context !== undefined) context.principal = principal;
}

/** Who made a request; undefined if nobody was asked, or nobody known. */
export function principalOf(request: object): Principal | undefined {
  return byRequest.get(request)?.principal;
}

/** The `actor` of events that the request being answered gives rise to: `admin` for the service's own token, else the token's id. */
export function actor(): string {
  const tokenId = current.getStore()?.principal?.tokenId;
  return tokenId === undefined || tokenId === rootId ? 'admin' : `token:${tokenId}`;
}

/** The id of the first request that is being answered; for the log. */
export function requestId(): string | undefined {
  return current.getStore()?.requestId;
}

/** The token that the service itself was started with. */
export const rootId = 'root';

const reaction = new AsyncLocalStorage<string>();

/** Runs what answers an event, so that every line of the log says from which beginning it follows. */
export function inReaction<T>(correlationId: string, answer: () => Promise<T>): Promise<T> {
  return reaction.run(correlationId, answer);
}

/** Says what the request that is being answered is part of, once that is known. */
export function correlate(correlationId: string): void {
  const context = current.getStore();
  if (context !== undefined) context.correlationId = correlationId;
}

/** What the request or reaction in hand is part of: from the ingest of a drop to the machine's report. */
export function correlationId(): string | undefined {
  return reaction.getStore() ?? current.getStore()?.correlationId;
}
