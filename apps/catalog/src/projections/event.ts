import { z } from 'zod';
import { type EventType, envelopeSchema, eventSchemas } from '#libs/contracts';
import { listed } from './read-model.js';
import { table } from './table.js';

const { id, type, v, at, actor, causationId, correlationId } = envelopeSchema.shape;

const eventSchema = z.object({
  /** Position of its commit in the log. */
  position: z.int().nonnegative(),
  /** Its place within the commit, from 0. */
  index: z.int().nonnegative(),
  id,
  type,
  v,
  stream: z.string(),
  at,
  actor,
  causationId,
  correlationId,
});

export const eventTable = table(
  'events',
  eventSchema,
  ['position', 'index'],
  ['id', ['stream', 'position'], ['at', 'position']],
);

/** The index of the log: every event, where it stands and who caused it. Its data stays in the log. */
export const events = listed(
  eventTable,
  Object.keys(eventSchemas) as EventType[],
  ({ position, index, stream, envelope: { data: _data, ...envelope } }) => [{ position, index, stream, ...envelope }],
);
