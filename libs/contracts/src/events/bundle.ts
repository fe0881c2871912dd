import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';

const count = z.number().int().nonnegative();

/** Roll-out tiers, in the order in which a bundle climbs them. */
export const tierSchema = z.enum(['canary', 'early', 'stable']);
export type Tier = z.infer<typeof tierSchema>;

/** Manifest and artefact are in the blob store, unsigned: nothing may be served yet. */
export const bundleAssembled = z.object({
  bundleId: aggregateIdSchema,
  fixId: aggregateIdSchema,
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

export const bundleRecalled = z.object({ bundleId: aggregateIdSchema, reason: z.string().min(1).max(1024) });

export const bundleEvents = {
  BundleAssembled: bundleAssembled,
  BundleSigned: bundleSigned,
  BundlePromoted: bundlePromoted,
  BundleRecalled: bundleRecalled,
} as const;
