import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';
import { levelNumberSchema, maxLevelFixes } from './level.js';

const count = z.number().int().nonnegative();

/** Roll-out tiers, in the order in which a bundle climbs them. */
export const tierSchema = z.enum(['canary', 'early', 'stable']);
export type Tier = z.infer<typeof tierSchema>;

/** Manifest and artefact are in the blob store, unsigned: nothing may be served yet. */
export const bundleAssembled = z.object({
  bundleId: aggregateIdSchema,
  /** What its module fixes: one fix, or all of a level. */
  fixIds: z.array(aggregateIdSchema).min(1).max(maxLevelFixes),
  /** Of a cumulative level. */
  level: levelNumberSchema.optional(),
  kernelId: aggregateIdSchema,
  manifest: digestSchema,
  artefact: digestSchema,
  sizeBytes: count,
});

export const bundleSigned = z.object({
  bundleId: aggregateIdSchema,
  /** A general JWS (JSON) over the manifest's bytes. */
  signature: digestSchema,
  keyIds: z.array(z.string().max(128)).min(1),
});

export const bundlePromoted = z.object({ bundleId: aggregateIdSchema, tier: tierSchema });

/** It is never applied again. A second one may ask for more than the first: that machines take it back. */
export const bundleRecalled = z.object({
  bundleId: aggregateIdSchema,
  reason: z.string().min(1).max(1024),
  /** Machines on which it is applied keep it until their next boot; absent: they take it back at once. */
  keep: z.literal(true).optional(),
});
/** Why a bundle was withdrawn, and whether machines that run it go on with it. */
export type Recall = Pick<z.infer<typeof bundleRecalled>, 'reason' | 'keep'>;

export const bundleEvents = {
  BundleAssembled: bundleAssembled,
  BundleSigned: bundleSigned,
  BundlePromoted: bundlePromoted,
  BundleRecalled: bundleRecalled,
} as const;
