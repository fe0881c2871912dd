import { Controller, type INestApplication, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { fact } from '#libs/contracts';
import { MemoryEventStore, PoisonMessage, RetryLater } from '#libs/eventstore';
import type { RecordedEvent } from '#libs/eventstore';
import { connectHandlers, EventStoreContext, EventStoreServer, MemoryRequests } from '../src/index.js';

const seen: string[] = [];
let misbehave: ((event: RecordedEvent) => void) | undefined;
let inits = 0;

@Injectable()
class Counter implements OnModuleInit {
  onModuleInit(): void {
    inits += 1;
  }
}

@Controller()
class Handlers {
  constructor(readonly counter: Counter) {}

  @EventPattern('BundlePromoted')
  async promoted(@Payload() event: RecordedEvent, @Ctx() context: unknown): Promise<void> {
    seen.push(`promoted ${event.stream} ${context instanceof EventStoreContext}`);
    misbehave?.(event);
  }

  @EventPattern('BundlePromoted')
  async promotedToo(@Payload() _event: RecordedEvent): Promise<void> {
    seen.push('promoted too');
  }

  @EventPattern('BundleRecalled')
  recalled(@Payload() event: RecordedEvent): void {
    const { data } = event.fact;
    seen.push(`recalled ${'reason' in data ? data.reason : ''}`);
  }

  @MessagePattern('sign.token')
  async sign(@Payload() body: { fail?: boolean }): Promise<object> {
    if (body.fail === true) throw Object.assign(new Error('no such key'), { code: 'no-such-key' });
    return { token: 'signed' };
  }
}

@Module({ controllers: [Handlers], providers: [Counter] })
class HandlersModule {}

const by = (commandId: string) => ({ actor: 'test', commandId, correlationId: 'c' });
const promoted = fact('BundlePromoted', { bundleId: 'b', tier: 'canary' });
const recalled = (reason: string) => fact('BundleRecalled', { bundleId: 'b', reason });

async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; !(await so());) {
    if (Date.now() > end) throw new Error(`it did not happen; seen: ${seen.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('event and request handlers in a Nest application', () => {
  let app: INestApplication;
  let store: MemoryEventStore;
  let requests: MemoryRequests;
  beforeEach(async () => {
    seen.length = 0;
    inits = 0;
    misbehave = undefined;
    store = new MemoryEventStore();
    requests = new MemoryRequests();
    app = await NestFactory.create(HandlersModule, new FastifyAdapter(), { logger: false });
    const options = { store, requests, name: 'stage', maxAttempts: 3, retryDelayMs: () => 10 };
    connectHandlers(app, new EventStoreServer(options));
    await app.startAllMicroservices();
    await app.init();
  });
  afterEach(async () => {
    await app.close();
    await store.close();
  });

  test('the events of a commit go in order to each of their handlers; others pass by', async () => {
    const customer = fact('CustomerRegistered', { customerId: 'c', name: 'A customer' });
    await store.appendToStream('customer.c', 0, [customer], by('0'));
    await store.appendToStream('bundle.b', 0, [recalled('1'), promoted, recalled('2')], by('1'));
    await until(() => seen.length >= 4);
    expect(seen).toEqual(['recalled 1', 'promoted bundle.b true', 'promoted too', 'recalled 2']);
    expect(await store.deadLetters()).toEqual([]);
  });

  test('providers are initialised once', () => {
    expect(inits).toBe(1);
  });

  test('RetryLater from a handler is no failure', async () => {
    let times = 0;
    misbehave = () => {
      times += 1;
      if (times < 8) throw new RetryLater(5, 'not yet');
    };
    await store.appendToStream('bundle.b', 0, [promoted], by('1'));
    await until(() => seen.includes('promoted too'));
    expect(times).toBe(8);
    expect(await store.deadLetters()).toEqual([]);
  });

  test('PoisonMessage from a handler goes to the dead letter at once, with its own message', async () => {
    misbehave = () => {
      throw new PoisonMessage('the drop is empty');
    };
    await store.appendToStream('bundle.b', 0, [promoted], by('1'));
    await until(async () => (await store.deadLetters()).length === 1);
    expect(await store.deadLetters()).toMatchObject([{ attempts: 1, reason: 'PoisonMessage: the drop is empty' }]);
    expect(seen).toEqual(['promoted bundle.b true']);
  });

  test('any other error is tried again, and its message is kept', async () => {
    misbehave = () => {
      throw new Error('gcc is missing', { cause: new Error('ENOENT') });
    };
    await store.appendToStream('bundle.b', 0, [promoted], by('1'));
    await until(async () => (await store.deadLetters()).length === 1);
    expect(await store.deadLetters()).toMatchObject([{ attempts: 3, reason: 'Error: gcc is missing ← Error: ENOENT' }]);
  });

  test('requests are answered; a refusal keeps its code', async () => {
    expect(await requests.request('sign.token', {})).toEqual({ token: 'signed' });
    await expect(requests.request('sign.token', { fail: true })).rejects.toMatchObject({
      code: 'refused',
      refusal: { code: 'no-such-key', message: 'no such key' },
    });
  });

  test('after the application is closed nothing is handled, until another one comes', async () => {
    await app.close();
    await store.appendToStream('bundle.b', 0, [promoted], by('1'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(seen).toEqual([]);
    await expect(requests.request('sign.token', {})).rejects.toMatchObject({ code: 'no-responder' });
  });
});
