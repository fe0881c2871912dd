import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';
import { type DeadLetter, EventStoreError, type StreamName } from '../port.js';
import { noTries, type Tries, triesSchema } from '../work-policy.js';
import { anyLetterSubject, deadStream, letterSubject, replaySubject, triesSubject } from './layout.js';
import { ordered } from './ordered.js';
import type { Wire } from './wire.js';

const letterSchema = z.object({
  worker: aggregateIdSchema,
  position: z.number().int().positive(),
  stream: z.string(),
  attempts: z.number().int().nonnegative(),
  reason: z.string(),
  at: z.iso.datetime(),
});

/** Where a replay order points. */
export const replayOrderSchema = z.object({ position: z.number().int().positive() });

const listLimit = 1_000;

/** What workers did not manage, kept in JetStream: tries of what goes on, dead letters of what was given up. */
export class DeadLetters {
  constructor(private readonly wire: Wire) {}

  async tries(worker: string, key: string): Promise<Tries> {
    const message = await this.wire.message(deadStream, { last_by_subj: triesSubject(worker, key) });
    return message === undefined ? noTries : triesSchema.parse(message.json());
  }

  async rememberTries(worker: string, key: string, tries: Tries): Promise<void> {
    await this.publish(triesSubject(worker, key), tries);
  }

  async forgetTries(worker: string, key: string): Promise<void> {
    await this.purge(triesSubject(worker, key));
  }

  /** Records what a worker gave up on. Recording it again replaces the record. */
  async record(letter: Omit<DeadLetter, 'id' | 'at'>): Promise<void> {
    await this.publish(letterSubject(letter.worker, letter.position), { ...letter, at: new Date().toISOString() });
  }

  async list(): Promise<readonly DeadLetter[]> {
    const last = await this.wire.message(deadStream, { last_by_subj: anyLetterSubject });
    if (last === undefined) return [];
    const letters: DeadLetter[] = [];
    const signal = AbortSignal.timeout(this.wire.patienceMs);
    for await (const some of ordered(this.wire, { stream: deadStream, subject: anyLetterSubject, from: 1, signal })) {
      for (const message of some) {
        letters.push(letterOf(JSON.parse(Buffer.from(message.data).toString())));
        if (message.seq >= last.seq || letters.length === listLimit) return letters;
      }
    }
    throw new EventStoreError('unavailable', 'the dead letters could not be read in time');
  }

  /** Orders a replay, then takes the letter off the list: a crash in between orders it twice, which is harmless. */
  async replay(id: string): Promise<void> {
    const { worker, position, subject } = parseId(id);
    const letter = await this.wire.message(deadStream, { last_by_subj: subject });
    if (letter === undefined) throw noSuchLetter(id);
    await this.publish(replaySubject(worker), { position }, `${id}:${letter.seq}`);
    await this.forgetTries(worker, String(position));
    await this.purge(subject);
  }

  private async publish(subject: string, body: unknown, msgID?: string): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(body));
    await this.wire.ask(() => this.wire.js.publish(subject, bytes, msgID === undefined ? {} : { msgID }));
  }

  private async purge(subject: string): Promise<void> {
    await this.wire.ask(() => this.wire.manager.streams.purge(deadStream, { filter: subject }));
  }
}

function letterOf(body: unknown): DeadLetter {
  const letter = letterSchema.parse(body);
  return { ...letter, id: `${letter.worker}.${letter.position}`, stream: letter.stream as StreamName };
}

function parseId(id: string): { worker: string; position: number; subject: string } {
  const [worker = '', position = '', ...rest] = id.split('.');
  const fits = rest.length === 0 && aggregateIdSchema.safeParse(worker).success && /^[1-9]\d{0,14}$/.test(position);
  if (!fits) throw noSuchLetter(id);
  return { worker, position: Number(position), subject: letterSubject(worker, Number(position)) };
}

function noSuchLetter(id: string): EventStoreError {
  return new EventStoreError('no-such-dead-letter', `there is no dead letter ${id.slice(0, 100)}`);
}
