import { z } from 'zod';
import { aggregateIdSchema, digestSchema, gitIdSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';

const count = z.number().int().nonnegative();

/** A commit of a split drop, or somebody's own patch, is to become a live patch for one kernel. */
export const fixProposed = z.object({
  fixId: aggregateIdSchema,
  kernelId: aggregateIdSchema,
  /** The tree that the running kernel was built from, and that the patch applies to. */
  baseTree: gitIdSchema,
  /** A unified diff (git's form), `-p1`. */
  patch: digestSchema,
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('commit'), dropId: aggregateIdSchema, commit: gitIdSchema }),
    z.object({ kind: z.literal('patch') }),
  ]),
  subject: z.string().min(1).max(1024),
  cves: z.array(z.string().max(32)),
  upstream: gitIdSchema.optional(),
  confidence: z.number().min(0).max(1),
  paths: z.array(z.string().max(4096)).min(1),
});

/** The touched objects, compiled as the vendor did, before and after the fix. */
export const objectsBuilt = z.object({
  fixId: aggregateIdSchema,
  objects: z
    .array(z.object({ path: z.string(), owner: z.string(), original: digestSchema, patched: digestSchema }))
    .min(1)
    .max(512),
  durationMs: count,
});

/** A function that a live patch replaces: the line of evidence from its bytes back to the source. */
export const patchedFunctionSchema = z.object({
  /** `vmlinux` or the module's name. */
  object: z.string(),
  symbol: z.string(),
  /** 1-based among equal names in address order; 0 = unique. */
  sympos: count,
  /** The object file it was compiled in, e.g. `fs/fcntl.o`. */
  objectFile: z.string(),
  oldSha256: digestSchema,
  newSha256: digestSchema,
  sizeBytes: count,
});
export type PatchedFunction = z.infer<typeof patchedFunctionSchema>;

/** A commit of the drop's series that a fix can't do without, and that its live patch holds too. */
export const broughtCommitSchema = z.object({
  commit: gitIdSchema,
  subject: z.string().max(1024),
  why: z.string().max(2048),
});

export const hotPatchBuilt = z.object({
  fixId: aggregateIdSchema,
  kernelId: aggregateIdSchema,
  module: z.object({ name: z.string().max(55), digest: digestSchema, sizeBytes: count }),
  functions: z.array(patchedFunctionSchema).min(1),
  /** How many functions of the originals were matched byte for byte against the shipped image. */
  runPre: z.object({ matched: count, checked: count }),
  warnings: z.array(reasonSchema),
  /** In the order of the series. */
  brings: z.array(broughtCommitSchema).min(1).max(100).optional(),
  durationMs: count,
});

export const hotPatchRefused = z.object({
  fixId: aggregateIdSchema,
  kernelId: aggregateIdSchema,
  stage: z.enum(['apply', 'compile', 'match', 'diff', 'emit']),
  reasons: z.array(reasonSchema).min(1).max(1000),
  durationMs: count,
});

export const runPreMismatch = z.object({
  fixId: aggregateIdSchema,
  kernelId: aggregateIdSchema,
  mismatches: z.array(reasonSchema).min(1).max(1000),
});

export const fixEvents = {
  FixProposed: fixProposed,
  ObjectsBuilt: objectsBuilt,
  HotPatchBuilt: hotPatchBuilt,
  HotPatchRefused: hotPatchRefused,
  RunPreMismatch: runPreMismatch,
} as const;
