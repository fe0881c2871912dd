import { connect, Events, type NatsConnection } from 'nats';
import { type Hint, hintSchema } from '#libs/contracts';
import { HintError } from './publisher.js';
import { isHintPattern } from './subject.js';

/** `connected`: hints arrive (ask the service once now: some may have been missed). `disconnected`: they don't, for now. */
export type HintStatus = 'connected' | 'disconnected';

export interface HintSource {
  /** `nats://host:port`, one or more. */
  readonly servers: string | readonly string[];
  readonly user: string;
  readonly password: string;
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
const firstReconnectMs = 500;
/** A thousand agents must not come back in the same second. */
const reconnectJitterMs = 4_500;

/**
 * Listens to hints with the agent's account, which may do nothing else. Never gives up: while the server can't be reached, even
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
  while (!signal.aborted) {
    const connection = await open(source, signal);
    if (connection === undefined) continue;
    const stop = () => void connection.close();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    watchStatus(connection, source);
    for (const subject of source.subjects) {
      connection.subscribe(subject, {
        callback: (error, message) => error ?? deliver(source, message.subject, message.data),
      });
    }
    source.onStatus?.('connected');
    // Ends when it is closed by us, or by an error that the client doesn't reconnect after (credentials changed).
    await connection.closed();
    signal.removeEventListener('abort', stop);
    source.onStatus?.('disconnected');
    await pause(signal);
  }
}

async function open(source: HintSource, signal: AbortSignal): Promise<NatsConnection | undefined> {
  try {
    return await connect({
      servers: typeof source.servers === 'string' ? source.servers : [...source.servers],
      user: source.user,
      pass: source.password,
      inboxPrefix: '_INBOX_agent',
      maxReconnectAttempts: -1,
      reconnectTimeWait: firstReconnectMs,
      reconnectJitter: reconnectJitterMs,
      ignoreClusterUpdates: true,
    });
  } catch {
    await pause(signal);
    return undefined;
  }
}

function watchStatus(connection: NatsConnection, source: HintSource): void {
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === Events.Disconnect) source.onStatus?.('disconnected');
      if (type === Events.Reconnect) source.onStatus?.('connected');
    }
  })();
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

async function pause(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, firstReconnectMs + Math.random() * reconnectJitterMs);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
