import type { Digest, EventData, EventType, Fact, LevelContent, Series } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import type { HunkMap } from '../ports.js';
import { ProjectionError } from './errors.js';
import type { Placed, Table } from './table.js';

/** Where and when an event happened. */
export interface Seen {
  readonly position: number;
  readonly at: string;
}

/** What folds may need besides the events: blobs that events name, read beforehand. */
export interface Context {
  series(digest: Digest): Series;
  hunkMap(digest: Digest): HunkMap;
  levelContent(digest: Digest): LevelContent;
}

/**
 * One read model: one table, and the pure functions from events to its rows. `folded` rows follow an aggregate's whole life;
 * `listed` rows are written once, by the first event that has them.
 */
export type ReadModel = Folded<Placed> | Listed<Placed>;

export interface Folded<Row extends Placed> {
  readonly kind: 'folded';
  readonly table: Table<Row>;
  readonly handles: ReadonlySet<EventType>;
  /** The row that an event changes; undefined: none. */
  readonly keyOf: (event: RecordedEvent) => string | undefined;
  evolve(row: Row | undefined, event: RecordedEvent): Row;
}

export interface Listed<Row extends Placed> {
  readonly kind: 'listed';
  readonly table: Table<Row>;
  readonly handles: ReadonlySet<EventType>;
  rowsOf(event: RecordedEvent, context: Context): readonly Row[];
}

/** How each of the events of a read model changes its row. */
export type Handlers<Row, T extends EventType> = {
  readonly [K in T]: (row: Row | undefined, data: EventData<K>, seen: Seen) => Row;
};

/**
 * Makes a read model with one row an aggregate (or part of one).
 * @param events what it follows: usually a whole category, so that a new event of it doesn't compile without its handler
 */
export function folded<Row extends Placed, T extends EventType>(
  table: Table<Row>,
  events: Readonly<Record<T, unknown>>,
  keyOf: (fact: Fact<T>) => string,
  handlers: NoInfer<Handlers<Row, T>>,
): Folded<Row> {
  const handles = (fact: Fact): fact is Fact & Fact<T> => Object.hasOwn(events, fact.type);
  return {
    kind: 'folded',
    table,
    handles: new Set(Object.keys(events) as T[]),
    keyOf: ({ fact }) => (handles(fact) ? keyOf(fact) : undefined),
    evolve: (row, event) => {
      const { fact } = event;
      if (!handles(fact)) throw new ProjectionError('unhandled-event', `${table.name} knows no ${fact.type}`);
      return apply(handlers, row, fact, { position: event.position, at: event.envelope.at });
    },
  };
}

function apply<Row, T extends EventType>(
  handlers: Handlers<Row, T>,
  row: Row | undefined,
  fact: Fact<T>,
  seen: Seen,
): Row {
  const handle: (row: Row | undefined, data: EventData<T>, seen: Seen) => Row = handlers[fact.type];
  return handle(row, fact.data, seen);
}

/** Makes a read model whose rows are written once. */
export function listed<Row extends Placed>(
  table: Table<Row>,
  handles: readonly EventType[],
  rowsOf: (event: RecordedEvent, context: Context) => readonly Row[],
): Listed<Row> {
  return { kind: 'listed', table, handles: new Set(handles), rowsOf };
}

/** Where a row stands after an event. */
export function place(row: { readonly firstPosition: number } | undefined, seen: Seen) {
  return {
    firstPosition: row?.firstPosition ?? seen.position,
    position: seen.position,
    updatedAt: seen.at,
  };
}

/** The row that an event goes on from. @throws ProjectionError `orphan-event` if the log never said that it began */
export function begun<Row>(row: Row | undefined, what: string, seen: Seen): Row {
  if (row !== undefined) return row;
  throw new ProjectionError('orphan-event', `position ${seen.position}: ${what} never began`);
}
