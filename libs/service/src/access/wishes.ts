import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit, type RawBodyRequest } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { derivedId, type EventData, type Fact, type Mark } from '#libs/contracts';
import { EventStore, type StreamName, type Subscription } from '#libs/eventstore';
import { Clock } from '../clock.js';
import { Pepper } from '../pepper.js';
import { Problem } from '../problem.js';
import { principalOf } from './request-context.js';

/** A wish by its name, and what was asked in that name. */
export interface Wish {
  /** The digest of `Idempotency-Key`. */
  readonly id: string;
  /** Of method, path and body: keyed, because a body may hold what must not be guessed from the log. */
  readonly request: Mark;
}

/** So many wishes are remembered; the oldest are forgotten first. At least those of yesterday, unless there are more. */
const maxRemembered = 100_000;
const dayMs = 86_400_000;

/**
 * Lets a wish (`Idempotency-Key`) name one request alone. The commands themselves see to it that a wish which is told again is carried out
 * once; told with something else, it is a mistake of the caller's that must not pass for done.
 * (draft-ietf-httpapi-idempotency-key-header § 2.6)
 */
@Injectable()
export class Wishes implements OnModuleInit, OnModuleDestroy {
  private readonly log = new Logger('access');
  private readonly done = new Map<string, Mark>();
  private readonly inHand = new Map<string, { readonly request: Mark; calls: number }>();
  private readonly byRequest = new WeakMap<object, Wish>();
  private subscription: Subscription | undefined;

  constructor(
    private readonly events: EventStore,
    private readonly clock: Clock,
    private readonly pepper: Pepper,
  ) {}

  async onModuleInit(): Promise<void> {
    const from = (await this.events.lastPosition()) + 1;
    for (const daysAgo of [1, 0]) {
      const day = new Date(this.clock.now().getTime() - daysAgo * dayMs).toISOString().slice(0, 10);
      const stream: StreamName = `audit.${day}`;
      const { events } = await this.events.readStream(stream);
      for (const { fact } of events) this.apply(fact);
    }
    this.subscription = this.events.subscribe({ from, category: 'audit' }, async ({ events }) => {
      for (const { fact } of events) this.apply(fact);
    });
    this.subscription.closed.catch((error: unknown) =>
      this.log.error(`what other processes were asked is no longer followed: ${String(error)}`),
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.subscription?.stop();
  }

  /**
   * For the guard, once it knows who asks. No interceptor: those cost every other route too, a check-in's among them.
   * @throws Problem 422 `invalid-request`, `idempotency-key-reused`
   */
  asked(request: RawBodyRequest<FastifyRequest>): void {
    const key = request.headers['idempotency-key'];
    const principal = principalOf(request);
    if (key === undefined || principal === undefined || ['GET', 'HEAD'].includes(request.method)) return;
    const wish = this.wishOf(request, key);
    const name = `${principal.tokenId}:${wish.id}`;
    const known = this.done.get(name) ?? this.inHand.get(name)?.request;
    if (known !== undefined && known !== wish.request) throw reused();
    const calls = this.inHand.get(name)?.calls ?? 0;
    this.inHand.set(name, { request: wish.request, calls: calls + 1 });
    this.byRequest.set(request, wish);
  }

  /** For fastify's `onResponse`: what was refused may be told again, in other words. */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    const wish = this.byRequest.get(request);
    const principal = principalOf(request);
    if (wish === undefined || principal === undefined) return;
    const name = `${principal.tokenId}:${wish.id}`;
    const calls = (this.inHand.get(name)?.calls ?? 1) - 1;
    if (calls === 0) this.inHand.delete(name);
    else this.inHand.set(name, { request: wish.request, calls });
    if (reply.statusCode < 300) this.remember(name, wish.request);
  }

  /** What a request wished; for the audit. */
  of(request: FastifyRequest): Wish | undefined {
    return this.byRequest.get(request);
  }

  private wishOf({ method, originalUrl, rawBody }: RawBodyRequest<FastifyRequest>, key: string | string[]): Wish {
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new Problem({
        status: 422,
        code: 'invalid-request',
        title: 'The request is not valid',
        detail: 'Idempotency-Key is one header of 1 to 255 printable ASCII characters, no space',
      });
    }
    const body = rawBody?.toString('base64') ?? '';
    return { id: derivedId(key), request: this.pepper.mark('request', `${method} ${originalUrl} ${body}`) };
  }

  private apply(fact: Fact): void {
    if (fact.type === 'AdminCalled') this.recorded(fact.data);
  }

  private recorded({ tokenId, wish, request, status }: EventData<'AdminCalled'>): void {
    if (wish !== undefined && request !== undefined && status < 300) this.remember(`${tokenId}:${wish}`, request);
  }

  private remember(name: string, request: Mark): void {
    if (this.done.has(name)) return;
    this.done.set(name, request);
    if (this.done.size <= maxRemembered) return;
    const [oldest] = this.done.keys();
    if (oldest !== undefined) this.done.delete(oldest);
  }
}

function reused(): Problem {
  return new Problem({
    status: 422,
    code: 'idempotency-key-reused',
    title: 'This Idempotency-Key named another request',
    detail: 'a key names one wish: send the same request again, or another key',
  });
}
