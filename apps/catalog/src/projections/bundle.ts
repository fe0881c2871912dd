import { z } from 'zod';
import { aggregateIdSchema, bundleAssembled, bundleEvents, bundleSigned, tierSchema } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { pastOrder, placeShape, table } from './table.js';

const bundleSchema = z.object({
  ...bundleAssembled.shape,
  /** The one fix of a bundle that is no level. */
  fixId: aggregateIdSchema.optional(),
  state: z.enum(['assembled', 'signed', 'promoted', 'recalled']),
  ...bundleSigned.omit({ bundleId: true }).partial().shape,
  /** The tier that it has climbed to. */
  tier: tierSchema.optional(),
  promotedAt: z.iso.datetime().optional(),
  recallReason: z.string().optional(),
  recalledAt: z.iso.datetime().optional(),
  /** Whether machines that run a recalled one keep it until their next boot. */
  recall: z.enum(['keep', 'reverse']).optional(),
  assembledAt: z.iso.datetime(),
  ...placeShape,
});
export type BundleRow = z.infer<typeof bundleSchema>;

export const bundleTable = table(
  'bundles',
  bundleSchema,
  ['bundleId'],
  ['firstPosition', 'kernelId', 'fixId'],
  [pastOrder, 'kernelId', 'fixId'],
);

/** What a bundle is called: as its fix, or as a level. */
export function subjectOf({ level, fixIds }: BundleRow, ofFix = ''): string {
  return level === undefined ? ofFix : `level ${level}: ${fixIds.length} fixes`;
}

const since = (row: BundleRow | undefined, seen: Seen): BundleRow => ({
  ...begun(row, 'the bundle', seen),
  ...place(row, seen),
});

export const bundles = folded(bundleTable, bundleEvents, (fact) => fact.data.bundleId, {
  BundleAssembled: (row, data, seen) => ({
    ...data,
    ...(data.level === undefined ? { fixId: data.fixIds[0] } : {}),
    state: 'assembled',
    assembledAt: seen.at,
    ...place(row, seen),
  }),
  BundleSigned: (row, data, seen) => ({ ...since(row, seen), ...data, state: 'signed' }),
  BundlePromoted: (row, { tier }, seen) => ({ ...since(row, seen), state: 'promoted', tier, promotedAt: seen.at }),
  BundleRecalled: (row, { reason, keep }, seen) => ({
    ...since(row, seen),
    state: 'recalled',
    recallReason: reason,
    recalledAt: seen.at,
    recall: keep === true ? 'keep' : 'reverse',
  }),
});
