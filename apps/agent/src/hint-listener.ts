import type { Hint } from '#libs/contracts';
import { connectHints, type HintConnection } from '#libs/hints';
import type { Alarm } from './alarm.js';
import { type AgentContext, feedAt } from './context.js';
import type { Hearing } from './domain/status.js';
import { HttpHints } from './http-hints.js';

/** The whole fleet loses a NATS server at once: it goes over to HTTP within this time, not in one second. */
const standardFallbackMs = 20_000;

/**
 * Hears of news where the lease says: over NATS, and as long as that can't be reached over HTTP, as server-sent events, as long polls, or not
 * at all until the next check-in. Moves when a new lease says otherwise.
 */
export class HintListener {
  private connection: HintConnection | undefined;
  private http: HttpHints | undefined;
  private source = '';
  private token = '';
  private transport: Hearing['transport'] | undefined;
  private recording: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: AgentContext,
    private readonly alarm: Alarm,
    private readonly fallbackMs = standardFallbackMs,
  ) {}

  async follow(): Promise<void> {
    const { state } = this.context;
    const registration = await state.registration.read();
    const held = await state.lease.read();
    if (registration === undefined || held === undefined) return;
    const { machineId, hints } = held.answer;
    const { host = new URL(registration.url).hostname, port, token, user, password, subjects } = hints;
    // A renewed token alone is no other source: it is shown at the next connection.
    this.token = token ?? '';
    const source = JSON.stringify([registration.url, host, port, token === undefined, user, password, subjects]);
    if (source === this.source) return;
    await this.close();
    this.source = source;
    const key = await state.machineKey();
    this.http = new HttpHints({
      feed: feedAt(registration.url, key, this.context),
      machineId,
      fallbackMs: this.fallbackMs,
      onHint: (hint) => this.heard(hint),
      onTrouble: (error) =>
        this.context.log(`hints over HTTP: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
      onTransport: (transport) => this.hearsBy(transport),
    });
    this.http.start();
    this.connection = await connectHints({
      servers: `nats://${host}:${port}`,
      ...(token === undefined ? { user, password } : { credentials: { token: () => this.token, key: key.privateKey } }),
      subjects,
      onHint: (hint) => this.heard(hint),
      onStatus: (status) => {
        if (status === 'connected') {
          this.http?.stop();
          this.hearsBy('nats');
        } else {
          this.hearsBy('polling');
          this.http?.start();
        }
      },
    });
  }

  async close(): Promise<void> {
    const { http, connection } = this;
    // Let go first: a connection that ends, for whatever reason, makes what is still here go on over HTTP.
    this.http = undefined;
    this.connection = undefined;
    this.source = '';
    this.transport = undefined;
    http?.stop();
    await connection?.close();
    await this.recording;
    await this.context.state.hearing.remove();
  }

  private heard({ action, bundleId, position }: Hint): void {
    this.http?.heardOf(position);
    this.context.log(`hint: ${bundleId} ${action}`);
    this.alarm.ring();
  }

  private hearsBy(transport: Hearing['transport']): void {
    if (transport === this.transport || this.source === '') return;
    this.transport = transport;
    this.context.log(
      transport === 'polling' ? 'no hints for now; asking now and then' : `listening for hints by ${transport}`,
    );
    const { state, now } = this.context;
    this.recording = this.recording
      .then(() => state.hearing.write({ transport, since: now().toISOString() }))
      .catch(
        // The hearing itself goes on: it is only not told of.
        (error: unknown) => this.context.log(`hearing.json can't be written: ${String(error)}`),
      );
    // Some may have been missed meanwhile.
    if (transport !== 'polling') this.alarm.ring();
  }
}
