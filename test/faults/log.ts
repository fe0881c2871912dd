import { z } from 'zod';
import { digestOf, type Envelope, envelopeSchema, type Fact, factOf } from '#libs/contracts';
import { openConnection } from '#libs/eventstore';
import type { BrokerAccess } from './broker.js';
import type { Violation } from './violation.js';

/** A message of the log, as the server has it: read without the event store that is on trial. */
export interface Entry {
  readonly position: number;
  readonly stream: string;
  /** The message's id: names the command that wrote it. */
  readonly key: string;
  /** When the server stored it, ms since the epoch. */
  readonly storedMs: number;
  readonly digest: string;
  readonly events: readonly { readonly envelope: Envelope; readonly fact: Fact }[];
}

export interface Log {
  readonly entries: readonly Entry[];
  /** What is wrong with the log as such. */
  readonly violations: readonly Violation[];
}

const streamName = 'SPLICECAST';
const envelopes = z.array(envelopeSchema).min(1);

/** Reads the whole log. */
export async function readLog(access: BrokerAccess): Promise<Log> {
  const connection = await openConnection(access.service);
  try {
    const js = connection.jetstream();
    const { state } = await (await js.jetstreamManager()).streams.info(streamName);
    const entries: Entry[] = [];
    const violations: Violation[] = [];
    if (state.messages !== state.last_seq || state.first_seq !== 1 || (state.num_deleted ?? 0) > 0) {
      violations.push({ check: 'log', what: 'the stream has gaps', context: state });
    }
    const messages = await (await js.consumers.get(streamName)).consume({ max_messages: 500 });
    for await (const message of messages) {
      const { seq, subject, headers, data, info } = message;
      if (seq !== entries.length + 1) {
        violations.push({ check: 'log', what: `position ${seq} follows position ${entries.length}` });
        break;
      }
      const parsed = envelopes.parse(JSON.parse(Buffer.from(data).toString('utf8')));
      entries.push({
        position: seq,
        stream: subject.replace(/^sc\./, ''),
        key: headers?.get('Nats-Msg-Id') ?? '',
        storedMs: info.timestampNanos / 1e6,
        digest: digestOf(data),
        events: parsed.map((envelope) => ({ envelope, fact: factOf(envelope) })),
      });
      if (seq >= state.last_seq) break;
    }
    return { entries, violations };
  } finally {
    await connection.close();
  }
}

/** What was read once stands for ever. */
export function checkHistory(before: readonly Entry[], now: readonly Entry[]): Violation[] {
  return before
    .filter(({ position, digest }) => now[position - 1]?.digest !== digest)
    .slice(0, 5)
    .map(({ position, stream, key }) => ({
      check: 'log',
      what: `position ${position} is gone or was written anew`,
      context: { was: { stream, key }, is: now[position - 1] },
    }));
}
