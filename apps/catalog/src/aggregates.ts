import { Injectable, Logger } from '@nestjs/common';
import { derivedId, type Fact } from '#libs/contracts';
import {
  type CommitContext,
  EventStore,
  EventStoreError,
  eventIdOf,
  type RecordedEvent,
  type StreamName,
} from '#libs/eventstore';
import { actor, correlate } from '#libs/service';
import { Catalog } from './catalog.js';

/** How an aggregate is folded from its stream. */
export interface Aggregate<State, F extends Fact> {
  readonly types: readonly F['type'][];
  initial(): State;
  evolve(state: State, fact: F): State;
}

const maxRaces = 8;

/** Writes what commands decide. */
@Injectable()
export class Aggregates {
  private readonly log = new Logger('catalog');

  constructor(
    private readonly events: EventStore,
    private readonly catalog: Catalog,
  ) {}

  /**
   * Reads, decides, appends and lets the tables follow; whoever loses a race reads and decides again. What was carried out before is
   * answered as it was then, whatever has become of the aggregate since: who asks again has missed the answer.
   */
  async handle<State, F extends Fact>(
    stream: StreamName,
    aggregate: Aggregate<State, F>,
    context: CommitContext,
    decide: (state: State, past: readonly RecordedEvent[]) => readonly F[],
  ): Promise<State> {
    for (let race = 1; ; race++) {
      const { state, past, revision, correlationId = context.correlationId } = await this.read(stream, aggregate);
      correlate(correlationId);
      const then = upTo(past, eventIdOf(stream, context.commandId));
      if (then !== undefined) {
        const stateThen = fold(aggregate, then);
        // The same wish in other words is refused, as it was then; what there is left to do is nothing.
        decide(stateThen, then);
        return stateThen;
      }
      const facts = decide(state, past);
      if (facts.length === 0) return state;
      try {
        const { duplicate, revision: position } = await this.events.appendToStream(stream, revision, facts, {
          ...context,
          correlationId,
        });
        this.log.log(`${stream}: ${facts.map(({ type }) => type).join(', ')}`);
        await this.catalog.reached(position);
        // Written by an attempt of before whose answer got lost: it is answered as what was done then.
        if (duplicate && race < maxRaces) continue;
        return facts.reduce((now, fact) => aggregate.evolve(now, fact), state);
      } catch (error) {
        const lost = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!lost || race === maxRaces) throw error;
      }
    }
  }

  /** An aggregate as its stream has it. */
  async read<State, F extends Fact>(stream: StreamName, aggregate: Aggregate<State, F>) {
    const { events: past, revision } = await this.events.readStream(stream);
    return { state: fold(aggregate, past), past, revision, correlationId: past[0]?.envelope.correlationId };
  }
}

function fold<State, F extends Fact>(aggregate: Aggregate<State, F>, past: readonly RecordedEvent[]): State {
  const isOurs = (fact: Fact): fact is Fact & F => aggregate.types.some((type) => type === fact.type);
  return past
    .map(({ fact }) => fact)
    .filter(isOurs)
    .reduce((state, fact) => aggregate.evolve(state, fact), aggregate.initial());
}

/** All up to the end of the commit that begins with an event; undefined if there is no such event. */
function upTo(past: readonly RecordedEvent[], eventId: string): readonly RecordedEvent[] | undefined {
  const first = past.find(({ envelope }) => envelope.id === eventId);
  return first === undefined ? undefined : past.filter(({ position }) => position <= first.position);
}

/** The context of an operator's command: `key` names the wish, so that the same wish is carried out once. */
export function contextOf(verb: string, id: string, key: string): CommitContext {
  const commandId = `catalog:${verb}:${id}:${derivedId(key)}`;
  return { actor: actor(), commandId, correlationId: commandId };
}
