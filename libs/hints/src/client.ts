import { setTimeout as wait } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { type Hint, hintSchema } from '#libs/contracts';
import { Backoff } from './backoff.js';
import { HintError } from './publisher.js';
import { connectionOptions, type HintServers } from './servers.js';
import { isHintPattern } from './subject.js';

/** `connected`: hints arrive (ask the service once now: some may have been missed). `disconnected`: they don't, for now. */
export type HintStatus = 'connected' | 'disconnected';

export interface HintSource extends HintServers {
  /** Which hints: `feed.debian.x86_64.6_1_0-31-amd64.stable`, wildcards allowed. */
  readonly subjects: readonly string[];
  readonly onHint: (hint: Hint, subject: string) => void;
  readonly onStatus?: (status: HintStatus) => void;
}

/** Listening to hints, until it is closed. */
export interface HintConnection {
  close(): Promise<void>;
}

/** A hint is a few dozen bytes; what is larger is none, and isn't parsed. */
const maxHintBytes = 4096;

/**
 * Listens to hints as a machine, which may do nothing else. Never gives up: while the server can't be reached, even
 * at first, it goes on trying with jitter. Whatever arrives that is no hint is dropped.
 * @throws HintError `bad-hint` for a subject that isn't one of `feed.>`.
 */
export async function connectHints(source: HintSource): Promise<HintConnection> {
  for (const subject of source.subjects) {
    if (!isHintPattern(subject)) throw new HintError('bad-hint', `${subject.slice(0, 200)} is no subject of hints`);
  }
  const abort = new AbortController();
  const running = listen(source, abort.signal);
  return {
    async close() {
      abort.abort();
      await running;
    },
  };
}

async function listen(source: HintSource, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff();
  while (!signal.aborted) {
    const connection = await open(source);
    if (connection !== undefined) await hear(connection, source, backoff, signal);
    await pause(backoff.next(), signal);
  }
}

/** Until the connection ends: by us, by the server, or because the token isn't taken any more. */
async function hear(
  connection: NatsConnection,
  source: HintSource,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<void> {
  const closed = connection.closed().then(() => false);
  const stop = (): void => void connection.close();
  // Closed while it connected: on a connection that is gone nothing can be subscribed to.
  if (signal.aborted) return connection.close();
  signal.addEventListener('abort', stop, { once: true });
  for (const subject of source.subjects) {
    connection.subscribe(subject, {
      callback: (error, message) => error ?? deliver(source, message.subject, message.data),
    });
  }
  // What was subscribed to is listened to once the server has answered what came after it. Where the connection ends before that,
  // the client of NATS never settles what it waits for: without the other one this machine would be deaf for good.
  const answered = connection.flush().then(
    () => true,
    () => false,
  );
  const isHeard = await Promise.race([answered, closed]);
  if (isHeard) {
    backoff.reset();
    source.onStatus?.('connected');
  }
  await closed;
  signal.removeEventListener('abort', stop);
  if (isHeard) source.onStatus?.('disconnected');
}

async function open(source: HintSource): Promise<NatsConnection | undefined> {
  try {
    return await connect({
      ...connectionOptions(source),
      // It would come back at once the first time, all machines together, and draw anew how long it waits while it waits.
      reconnect: false,
      ignoreClusterUpdates: true,
      // A silent cut (a firewall, a suspended machine) is seen within two minutes.
      pingInterval: 40_000,
    });
  } catch {
    return undefined;
  }
}

function deliver(source: HintSource, subject: string, data: Uint8Array): void {
  if (data.byteLength > maxHintBytes) return;
  const hint = hintSchema.safeParse(parsed(data));
  if (hint.success) source.onHint(hint.data, subject);
}

function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
