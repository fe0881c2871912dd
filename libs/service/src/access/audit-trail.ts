import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type EventData, fact } from '#libs/contracts';
import { EventStore, EventStoreError, type StreamName } from '#libs/eventstore';
import { Clock } from '../clock.js';
import { principalOf } from './request-context.js';
import { Wishes } from './wishes.js';

type Call = EventData<'AdminCalled'>;

const maxBatch = 100;
/** So many calls wait for a log that is away; what comes then is lost, and the service's own log says so. */
const maxWaiting = 10_000;
const retryMs = 500;
const maxAttempts = 20;

/**
 * Records who called what: each call that may have changed something, and each that was refused for its role. Reading is told in the
 * service's own log alone: hundreds a second would drown what happened. The answer doesn't wait for it.
 */
@Injectable()
export class AuditTrail implements OnApplicationShutdown {
  private readonly log = new Logger('audit');
  private waiting: Call[] = [];
  private writing: Promise<void> | undefined;

  constructor(
    private readonly events: EventStore,
    private readonly clock: Clock,
    private readonly wishes: Wishes,
  ) {}

  /** For fastify's `onResponse`. */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    const principal = principalOf(request);
    if (principal === undefined) return;
    if (['GET', 'HEAD'].includes(request.method) && reply.statusCode !== 403) return;
    const wish = this.wishes.of(request);
    const call: Call = {
      ...principal,
      method: request.method.slice(0, 16),
      route: (request.routeOptions.url ?? '').slice(0, 512),
      path: (request.url.split('?')[0] ?? '').slice(0, 512),
      status: reply.statusCode,
      requestId: request.id.slice(0, 128),
      remote: request.ip.slice(0, 64),
      ...(wish === undefined ? {} : { wish: wish.id, request: wish.request }),
    };
    if (this.waiting.length >= maxWaiting) {
      this.log.error(`not recorded, the log is away: ${JSON.stringify(call)}`);
      return;
    }
    this.waiting.push(call);
    this.writing ??= this.write().finally(() => (this.writing = undefined));
  }

  /** Writes what waits before the log is closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.settled();
  }

  /** Until everything so far is in the log. */
  async settled(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, maxBatch);
      const lost = await this.append(batch);
      if (lost !== undefined) this.log.error(`${batch.length} calls are not recorded: ${lost}`);
    }
  }

  /** A stream a day, so that none grows without end. @returns why it could not be written; undefined: it was. */
  private async append(calls: readonly Call[]): Promise<string | undefined> {
    const day = this.clock.now().toISOString().slice(0, 10);
    const stream: StreamName = `audit.${day}`;
    const commandId = `audit:${randomUUID()}`;
    const context = { actor: 'audit', commandId, correlationId: commandId };
    const facts = calls.map((call) => fact('AdminCalled', call));
    let trouble: string | undefined;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      try {
        const { revision } = await this.events.readStream(stream);
        await this.events.appendToStream(stream, revision, facts, context);
        return undefined;
      } catch (error) {
        trouble = String(error);
        const lostRace = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!lostRace) await sleep(retryMs);
      }
    }
    return trouble;
  }
}
