import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';

const version = z.number().int().min(1);

/** A file of the signed metadata, by the name under which it is served: `7.snapshot.json`, `timestamp.json`. */
const metadataFileSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9._~%-]{1,300}\.json$/),
  digest: digestSchema,
  sizeBytes: z.number().int().positive(),
});
export type MetadataFile = z.infer<typeof metadataFileSchema>;

/** A root from a ceremony of the offline keys. It is served from now on, and stays. */
export const rootPublished = z.object({ version, file: metadataFileSchema, expiresAt: z.iso.datetime() });

/** One publication of the signed metadata, whole: before this event nobody sees any of it. */
export const metadataPublished = z.object({
  timestamp: version,
  snapshot: version,
  expiresAt: z.iso.datetime(),
  /** What is new; `timestamp.json` is the last. */
  files: z.array(metadataFileSchema).min(1).max(2_000),
  /** Where there is a new list of recalls: its bytes. */
  recalls: z.object({ digest: digestSchema, sizeBytes: z.number().int().positive() }).optional(),
  /** What is vouched for from now on. */
  bundleIds: z.array(aggregateIdSchema).max(5_000).optional(),
  /** What is said to be withdrawn from now on, and what machines kept and take back from now on. */
  recalledIds: z.array(aggregateIdSchema).max(5_000).optional(),
});

/** Files that no client can still ask for: they are served no longer, and their blobs are removed. */
export const metadataPruned = z.object({
  files: z
    .array(metadataFileSchema.pick({ name: true, digest: true }))
    .min(1)
    .max(2_000),
});

export const metadataEvents = {
  RootPublished: rootPublished,
  MetadataPublished: metadataPublished,
  MetadataPruned: metadataPruned,
} as const;
