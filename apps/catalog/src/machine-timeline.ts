import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { EventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import type { Listing, Page, TableReader } from './adapters/table-reader.js';
import { tell } from './domain/telling.js';
import { eventTable } from './projections/event.js';

/** A moment of a machine's history. */
export const momentSchema = z.object({
  /** The event: `/v1/events/<id>` has its data. */
  id: z.string(),
  position: z.int(),
  index: z.int(),
  at: z.iso.datetime(),
  type: z.string(),
  stream: z.string(),
  actor: z.string(),
  /** What happened, in a sentence. */
  text: z.string(),
  /** Paths of what it is about, the event itself first. */
  links: z.array(z.string()),
});
export type Moment = z.infer<typeof momentSchema>;

/** Tells a machine's history: its own events, and those of its licences and of the bundles that it was given. */
@Injectable()
export class MachineTimeline {
  constructor(private readonly events: EventStore) {}

  /** @param tables as of the moment up to which it is told */
  async page(tables: TableReader, machineId: string, listing: Listing): Promise<Page<Moment>> {
    const own: StreamName = `machine.${machineId}`;
    const { events } = await this.events.readStream(own);
    const told = new Map([[own, events]]);
    const streams = touching(events.filter(({ position }) => position <= (tables.position ?? Infinity)));
    const page = await tables.page(eventTable, { ...listing, where: [{ column: 'stream', in: [own, ...streams] }] });
    const others = [...new Set(page.items.map(({ stream }) => stream as StreamName))].filter(
      (stream) => stream !== own,
    );
    await Promise.all(others.map(async (stream) => told.set(stream, (await this.events.readStream(stream)).events)));
    const items = page.items.flatMap((row) => {
      const event = told.get(row.stream as StreamName)?.find(({ envelope }) => envelope.id === row.id);
      return event === undefined ? [] : [momentOf(event)];
    });
    return { ...page, items };
  }
}

/** The streams of the licences that a machine was with, and of the bundles that it said something of. */
function touching(events: readonly RecordedEvent[]): readonly StreamName[] {
  const streams = new Set<StreamName>();
  for (const { fact } of events) {
    if ('licenseId' in fact.data) streams.add(`license.${fact.data.licenseId}`);
    if ('bundleId' in fact.data) streams.add(`bundle.${fact.data.bundleId}`);
  }
  return [...streams];
}

function momentOf({ envelope, position, index, stream, fact }: RecordedEvent): Moment {
  const { id, at, actor } = envelope;
  const { text, links } = tell(fact);
  return { id, position, index, at, type: fact.type, stream, actor, text, links: [`/v1/events/${id}`, ...links] };
}
