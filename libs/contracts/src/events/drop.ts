import { z } from 'zod';
import { aggregateIdSchema, digestSchema, gitIdSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';

/** Which kind of package a source drop came in. */
export const dropFormatSchema = z.enum(['linux-source-deb', 'tar', 'srpm', 'folder']);
export type DropFormat = z.infer<typeof dropFormatSchema>;

const count = z.number().int().nonnegative();

/** The vendor's archive is in the blob store; nothing of it has been looked at yet. */
export const sourceDropReceived = z.object({
  dropId: aggregateIdSchema,
  /** The line of kernels it belongs to, e.g. `debian-linux`: the public repository of its series has this name. */
  product: aggregateIdSchema,
  fileName: z.string().min(1).max(255),
  archive: digestSchema,
  sizeBytes: count,
  /** The drop it follows: what is split is the step from there to here. */
  base: aggregateIdSchema.optional(),
});

/** The archive was read whole, in bounds, and stands in the tree store as git tree `tree`. */
export const sourceDropUnpacked = z.object({
  dropId: aggregateIdSchema,
  format: dropFormatSchema,
  /** The package's own version, e.g. `6.1.190-1`; empty where the archive names none. */
  version: z.string().max(128),
  tree: gitIdSchema,
  files: count,
  bytes: count,
  /** A `Changelog` (libs/patchsplit) as JSON, where the package brought one. */
  changelog: digestSchema.optional(),
  durationMs: count,
});

export const sourceDropRejected = z.object({ dropId: aggregateIdSchema, reasons: z.array(reasonSchema).min(1) });

/** The monolith is a series of commits, proven to rebuild it bit for bit. */
export const dropSplit = z.object({
  dropId: aggregateIdSchema,
  base: aggregateIdSchema,
  /** A `Series` as JSON. */
  series: digestSchema,
  /** What the split found, a `SplitReport` (libs/patchsplit) as JSON; splits before it had none. */
  report: digestSchema.optional(),
  /**
   * The commit that the series stands on: where the base's own series ended, or a root commit on the base's tree. Absent where
   * the series was made before steps were chained: then it has a root of its own.
   */
  onto: gitIdSchema.optional(),
  /** The last commit of the series in the tree store. */
  head: gitIdSchema,
  commits: count,
  attributed: count,
  remainders: count,
  files: count,
  insertions: count,
  deletions: count,
  /** `replayedTree` is the tree of the last commit; the split stands only because it equals `targetTree`. */
  proof: z.object({ baseTree: gitIdSchema, targetTree: gitIdSchema, replayedTree: gitIdSchema }),
  durationMs: count,
});

export const dropEvents = {
  SourceDropReceived: sourceDropReceived,
  SourceDropUnpacked: sourceDropUnpacked,
  SourceDropRejected: sourceDropRejected,
  DropSplit: dropSplit,
} as const;

/** One commit of a split drop, in order; the whole list is the blob that `DropSplit.series` names. */
export const seriesCommitSchema = z.object({
  commit: gitIdSchema,
  parent: gitIdSchema,
  tree: gitIdSchema,
  kind: z.enum(['attributed', 'remainder']),
  subject: z.string().max(1024),
  /** The changelog's own line. */
  changelogEntry: z.string().max(1024).optional(),
  /** Subsystem of a remainder, e.g. `drivers/net`. */
  label: z.string().max(256).optional(),
  cves: z.array(z.string().max(32)),
  upstream: gitIdSchema.optional(),
  /** 0…1: how well the evidence carries the attribution; 1 is certain. */
  confidence: z.number().min(0).max(1),
  paths: z.array(z.string().max(4096)),
  insertions: count,
  deletions: count,
});
export type SeriesCommit = z.infer<typeof seriesCommitSchema>;

export const seriesSchema = z.object({
  schema: z.literal(1),
  baseTree: gitIdSchema,
  targetTree: gitIdSchema,
  commits: z.array(seriesCommitSchema).max(100_000),
});
export type Series = z.infer<typeof seriesSchema>;
