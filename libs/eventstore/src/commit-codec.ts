import { z } from 'zod';
import {
  aggregateIdSchema,
  type Category,
  currentVersion,
  derivedId,
  type Envelope,
  EventError,
  envelopeSchema,
  eventCatalog,
  eventSchemas,
  type Fact,
  factOf,
} from '#libs/contracts';
import { type Commit, type CommitContext, EventStoreError, type RecordedEvent, type StreamName } from './port.js';

/** Largest commit as JSON, in bytes: NATS takes messages of 1 MiB, headers included. Bytes belong into the blob store. */
export const maxCommitBytes = 1_000_000;
/** What of an envelope comes from outside; the rest is made here. */
const contextSchema = envelopeSchema.pick({ actor: true, causationId: true, correlationId: true });
const commandIdPattern = /^[\x21-\x7e]{1,256}$/;

/** A commit as it is written: one message of the log. */
export interface WritableCommit {
  /** Names the command, in the scope of its stream. Printable ASCII, fit for a header. */
  readonly commandKey: string;
  /** JSON array of envelopes. */
  readonly bytes: Uint8Array;
}

/**
 * Checks and encodes a commit. Each fact is parsed by its schema, so what the schema doesn't know never gets into the log.
 * Event ids follow from the command's, so that a repeated command names the same events.
 * @throws EventStoreError `unwritable-event`
 */
export function encodeCommit(
  stream: StreamName,
  facts: readonly Fact[],
  context: CommitContext,
  at: Date,
): WritableCommit {
  const known = eventCatalog[categoryOf(stream)];
  if (facts.length === 0) throw unwritable(`${stream}: a commit has at least one event`);
  const commandKey = commandKeyOf(stream, context.commandId);
  const { actor, causationId, correlationId } = context;
  const checked = contextSchema.safeParse({ actor, causationId, correlationId });
  if (!checked.success) throw unwritable(`a commit into ${stream}: ${z.prettifyError(checked.error)}`);
  const moment = at.toISOString();
  const envelopes = facts.map((fact, index): Envelope => {
    if (!Object.hasOwn(known, fact.type)) throw unwritable(`${fact.type} does not belong into ${stream}`);
    const data = eventSchemas[fact.type].safeParse(fact.data);
    if (!data.success) throw unwritable(`${fact.type} into ${stream}: ${z.prettifyError(data.error)}`);
    return {
      id: eventIdOf(stream, context.commandId, index),
      type: fact.type,
      v: currentVersion(fact.type),
      at: moment,
      ...checked.data,
      data: data.data,
    };
  });
  const bytes = Buffer.from(JSON.stringify(envelopes));
  if (bytes.byteLength > maxCommitBytes) {
    throw unwritable(`a commit of ${bytes.byteLength} bytes into ${stream}: more than ${maxCommitBytes}`);
  }
  return { commandKey, bytes };
}

/** The id of the n-th event that a command writes into a stream: whoever has it before it is written can tell a repetition. */
export function eventIdOf(stream: StreamName, commandId: string, index = 0): string {
  return derivedId(stream, commandId, String(index));
}

/** The key under which a command's commit is found again in its stream. @throws EventStoreError `unwritable-event` */
export function commandKeyOf(stream: StreamName, commandId: string): string {
  if (!commandIdPattern.test(commandId))
    throw unwritable(`a command id is 1 to 256 printable ASCII characters, no space`);
  return `${stream}:${commandId}`;
}

/** @throws EventStoreError `unwritable-event` unless it is `<category>.<aggregate id>` of a known category. */
export function categoryOf(stream: StreamName): Category {
  const [category = '', id, ...rest] = stream.split('.');
  if (rest.length > 0 || !isCategory(category) || !aggregateIdSchema.safeParse(id).success) {
    throw unwritable(`${stream.slice(0, 200)} names no stream`);
  }
  return category;
}

function isCategory(name: string): name is Category {
  return Object.hasOwn(eventCatalog, name);
}

/**
 * Reads a commit back and checks each of its events.
 * @throws EventError for an event that this program can't read, or bytes that are no commit.
 */
export function decodeCommit(stream: StreamName, position: number, bytes: Uint8Array): Commit {
  const parsed = parseJson(bytes);
  const envelopes = envelopesSchema.safeParse(parsed);
  if (!envelopes.success) {
    throw new EventError('malformed-event', `${stream} at ${position}: ${z.prettifyError(envelopes.error)}`);
  }
  const events = envelopes.data.map((envelope, index): RecordedEvent => ({
    stream,
    position,
    index,
    envelope,
    fact: factAt(stream, position, envelope),
  }));
  return { position, events };
}

/** @throws EventError that says where in the log it stands */
function factAt(stream: StreamName, position: number, envelope: Envelope): Fact {
  try {
    return factOf(envelope);
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    throw new EventError(error.code, `${stream} at ${position}: ${error.message}`);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

const envelopesSchema = z.array(envelopeSchema).min(1);

function unwritable(message: string): EventStoreError {
  return new EventStoreError('unwritable-event', message);
}
