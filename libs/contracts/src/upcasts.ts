import type { EventType } from './events/index.js';

/** Makes an event's data of one version into that of the next. Pure; what is malformed is left to the schema. */
type Upcast = (data: unknown) => unknown;

/** From each version that was ever written to the one after it, the oldest first. */
export const upcasts: { readonly [T in EventType]?: readonly Upcast[] } = {
  BundleAssembled: [severalFixes],
};

/** v1 had one fix; a level has many. */
function severalFixes(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !('fixId' in data)) return data;
  const { fixId, ...rest } = data;
  return { ...rest, fixIds: [fixId] };
}
