import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { EventStore, type RecordedEvent } from '#libs/eventstore';
import type { Listing, Page, TableReader } from './adapters/table-reader.js';
import { tell } from './domain/telling.js';
import { eventTable } from './projections/event.js';
import { machineTable } from './projections/machine.js';
import { machineUpdateTable } from './projections/machine-update.js';

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
    const streams = await streamsOf(tables, machineId);
    const page = await tables.page(eventTable, { ...listing, where: [{ column: 'stream', in: streams }] });
    const positions = [...new Set(page.items.map(({ position }) => position))];
    const commits = await Promise.all(positions.map((position) => this.events.readCommit(position)));
    const told = new Map(commits.flatMap((commit) => commit?.events ?? []).map((event) => [event.envelope.id, event]));
    const items = page.items.flatMap(({ id }) => {
      const event = told.get(id);
      return event === undefined ? [] : [momentOf(event)];
    });
    return { ...page, items };
  }
}

/** A machine's own stream, those of the licences that it was with, and of the bundles that it said something of. */
async function streamsOf(tables: TableReader, machineId: string): Promise<readonly string[]> {
  const own = [{ column: 'machineId', is: machineId }];
  const [licenses, bundles] = await Promise.all([
    tables.everHad(machineTable, 'licenseId', own),
    tables.everHad(machineUpdateTable, 'bundleId', own),
  ]);
  return [
    `machine.${machineId}`,
    ...licenses.map((licenseId) => `license.${licenseId}`),
    ...bundles.map((bundleId) => `bundle.${bundleId}`),
  ];
}

function momentOf({ envelope, position, index, stream, fact }: RecordedEvent): Moment {
  const { id, at, actor } = envelope;
  const { text, links } = tell(fact);
  return { id, position, index, at, type: fact.type, stream, actor, text, links: [`/v1/events/${id}`, ...links] };
}
