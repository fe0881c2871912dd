import { z } from 'zod';
import { type EventType, eventSchemas, type Fact } from './events/index.js';
import { upcasts } from './upcasts.js';

/** What every recorded event carries besides its data. */
export const envelopeSchema = z.object({
  /** Unique, and the same when the same command is repeated. */
  id: z.string().min(1).max(128),
  type: z.string().min(1).max(64),
  /** Version of the data's shape. */
  v: z.number().int().min(1),
  at: z.iso.datetime(),
  /** Who caused it: `admin`, `diff`, `machine:<id>` … */
  actor: z.string().min(1).max(128),
  /** The event that it answers. */
  causationId: z.string().max(128).optional(),
  /** Runs from the ingest of a drop to the machine's report. */
  correlationId: z.string().min(1).max(128),
  data: z.unknown(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

export type EventErrorCode = 'malformed-event' | 'unknown-event-type' | 'newer-event-version';

/** An event that this program can't read. Never skip it: a projection that skips is wrong for ever. */
export class EventError extends Error {
  override readonly name = 'EventError';
  constructor(
    readonly code: EventErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Version of the data's shape that `type` is written in. */
export function currentVersion(type: EventType): number {
  return (upcasts[type]?.length ?? 0) + 1;
}

/** Says whether `type` names an event that this program knows. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventSchemas, type);
}

/**
 * Checks an envelope's data against its schema; that of an older version as what it says in today's.
 * @throws EventError for an unknown type, a newer version, or data of another shape.
 */
export function factOf(envelope: Envelope): Fact {
  const { type, v, data } = envelope;
  if (!isEventType(type)) throw new EventError('unknown-event-type', `event type ${type} is not known here`);
  if (v > currentVersion(type)) {
    throw new EventError(
      'newer-event-version',
      `${type} v${v} is newer than this program (v${currentVersion(type)}): upgrade it`,
    );
  }
  const current = (upcasts[type] ?? []).slice(v - 1).reduce((older, upcast) => upcast(older), data);
  const parsed = eventSchemas[type].safeParse(current);
  if (!parsed.success) throw new EventError('malformed-event', `${type}: ${z.prettifyError(parsed.error)}`);
  return { type, data: parsed.data } as Fact;
}
