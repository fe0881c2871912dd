import { z } from 'zod';
import { accessEvents, auditEvents } from './access.js';
import { bundleEvents } from './bundle.js';
import { dropEvents } from './drop.js';
import { fixEvents } from './fix.js';
import { kernelEvents } from './kernel.js';
import { customerEvents, licenseEvents } from './license.js';
import { levelEvents } from './level.js';
import { machineEvents } from './machine.js';
import { metadataEvents } from './metadata.js';

/** The categories of aggregates, and the facts that each of them holds. */
export const eventCatalog = {
  drop: dropEvents,
  kernel: kernelEvents,
  fix: fixEvents,
  level: levelEvents,
  bundle: bundleEvents,
  customer: customerEvents,
  license: licenseEvents,
  machine: machineEvents,
  access: accessEvents,
  audit: auditEvents,
  metadata: metadataEvents,
} as const;

export type Category = keyof typeof eventCatalog;
export const categories = Object.keys(eventCatalog) as Category[];

/** Every event's schema by its type name. */
export const eventSchemas = {
  ...dropEvents,
  ...kernelEvents,
  ...fixEvents,
  ...levelEvents,
  ...bundleEvents,
  ...customerEvents,
  ...licenseEvents,
  ...machineEvents,
  ...accessEvents,
  ...auditEvents,
  ...metadataEvents,
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;

/** A fact that a decider returns: what happened, before the store says where and when. */
export type Fact<T extends EventType = EventType> = { [K in T]: { readonly type: K; readonly data: EventData<K> } }[T];

/** Builds a fact. */
export function fact<T extends EventType>(type: T, data: EventData<T>): Fact<T> {
  return { type, data };
}
