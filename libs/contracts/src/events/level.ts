import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';
import { patchedFunctionSchema } from './fix.js';

const count = z.number().int().nonnegative();

/** Levels of a kernel count up from 1. */
export const levelNumberSchema = z.number().int().min(1).max(1_000_000);

/** A level of more fixes than that would be a kernel of its own. */
export const maxLevelFixes = 2000;

const fixIds = z.array(aggregateIdSchema).min(1).max(maxLevelFixes);
const level = { kernelId: aggregateIdSchema, level: levelNumberSchema };

/** A fix that can't be in a level together with the others, and why. */
export const levelConflictSchema = z.object({
  fixId: aggregateIdSchema,
  reasons: z.array(reasonSchema).min(1).max(5),
});
export type LevelConflict = z.infer<typeof levelConflictSchema>;

/** Fixes of a kernel are to become one module that takes the place of all live patches before it. */
export const levelProposed = z.object({
  ...level,
  /** In the order in which they are put into the source. */
  fixIds,
  /** Make a level of the others where some don't go together; else it is refused. */
  leaveOut: z.boolean(),
});

export const levelBuilt = z.object({
  ...level,
  /** Those that are in it. */
  fixIds,
  module: z.object({ name: z.string().max(55), digest: digestSchema, sizeBytes: count }),
  /** A `LevelContent` as JSON: a level of many fixes has more functions than an event holds. */
  content: digestSchema,
  functions: count,
  runPre: z.object({ matched: count, checked: count }),
  warnings: count,
  leftOut: z.array(levelConflictSchema).max(500),
  durationMs: count,
});

export const levelRefused = z.object({
  ...level,
  /** `select`: before anything was built. */
  stage: z.enum(['select', 'apply', 'compile', 'match', 'diff', 'emit']),
  reasons: z.array(reasonSchema).min(1).max(100),
  /** The fixes that the reasons are about. */
  conflicts: z.array(levelConflictSchema).max(500),
  durationMs: count,
});

export const levelEvents = {
  LevelProposed: levelProposed,
  LevelBuilt: levelBuilt,
  LevelRefused: levelRefused,
} as const;

/** What a level's module replaces, and what is to be known of it; the blob that `LevelBuilt.content` names. */
export const levelContentSchema = z.object({
  schema: z.literal(1),
  functions: z.array(patchedFunctionSchema).min(1).max(100_000),
  warnings: z.array(reasonSchema).max(100_000),
});
export type LevelContent = z.infer<typeof levelContentSchema>;
