import { z } from 'zod';
import { bundleAssembled, bundleEvents, bundleSigned, tierSchema } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const bundleSchema = z.object({
  ...bundleAssembled.shape,
  state: z.enum(['assembled', 'signed', 'promoted', 'recalled']),
  ...bundleSigned.omit({ bundleId: true }).partial().shape,
  /** The tier that it has climbed to. */
  tier: tierSchema.optional(),
  promotedAt: z.iso.datetime().optional(),
  recallReason: z.string().optional(),
  recalledAt: z.iso.datetime().optional(),
  assembledAt: z.iso.datetime(),
  ...placeShape,
});
export type BundleRow = z.infer<typeof bundleSchema>;

export const bundleTable = table('bundles', bundleSchema, ['bundleId'], ['firstPosition', 'kernelId', 'fixId']);

const since = (row: BundleRow | undefined, seen: Seen): BundleRow => ({
  ...begun(row, 'the bundle', seen),
  ...place(row, seen),
});

export const bundles = folded(bundleTable, bundleEvents, (fact) => fact.data.bundleId, {
  BundleAssembled: (row, data, seen) => ({ ...data, state: 'assembled', assembledAt: seen.at, ...place(row, seen) }),
  BundleSigned: (row, data, seen) => ({ ...since(row, seen), ...data, state: 'signed' }),
  BundlePromoted: (row, { tier }, seen) => ({ ...since(row, seen), state: 'promoted', tier, promotedAt: seen.at }),
  BundleRecalled: (row, { reason }, seen) => ({
    ...since(row, seen),
    state: 'recalled',
    recallReason: reason,
    recalledAt: seen.at,
  }),
});
