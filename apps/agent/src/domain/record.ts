import { z } from 'zod';
import { aggregateIdSchema, digestSchema, levelNumberSchema, reasonSchema, updateStalled } from '#libs/contracts';

const functionSchema = z.object({ object: z.string(), symbol: z.string(), sympos: z.number().int().nonnegative() });

/** What has to be known of a bundle without opening it again. */
export const summarySchema = z.object({
  module: z.string(),
  kernel: z.object({ release: z.string(), buildId: z.string(), version: z.string() }),
  functions: z.array(functionSchema),
  /** Older journals have no ids of fixes. */
  fixes: z.array(z.object({ fixId: z.string().optional(), subject: z.string(), cves: z.array(z.string()) })),
  level: levelNumberSchema.optional(),
  reversible: z.boolean(),
  artefact: digestSchema,
});
export type BundleSummary = z.infer<typeof summarySchema>;

const record = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({
    type: z.literal(type),
    /** Counts up from 1. */
    seq: z.number().int().min(1),
    bundleId: aggregateIdSchema,
    at: z.iso.datetime(),
    /** Boot that it happened in: every boot takes all live patches away. */
    bootId: z.string().max(64),
    ...shape,
  });

/**
 * One line of the journal: written before and after everything that touches the kernel. What the service hears is made of
 * these, so that no report can be lost or made up between the two.
 */
export const recordSchema = z.discriminatedUnion('type', [
  record('Staged', { summary: summarySchema }),
  record('ApplyBegun', {}),
  record('Applied', { transitionMs: z.number().int().nonnegative() }),
  /** Tasks that held a transition. */
  record('Stalled', { tasks: updateStalled.shape.tasks }),
  /** `attempt`: how often in a row. `repeated`: for the same reasons as the last time, so that it is no news. */
  record('Refused', {
    reasons: z.array(reasonSchema).min(1),
    attempt: z.number().int().min(1),
    repeated: z.boolean().optional(),
  }),
  record('ReverseBegun', {}),
  record('Reversed', { transitionMs: z.number().int().nonnegative() }),
  /** A level took its place in the kernel. */
  record('Replaced', { by: aggregateIdSchema }),
  record('Held', { by: z.enum(['operator', 'crash']), reason: z.string().max(1024) }),
  record('Released', {}),
]);
export type JournalRecord = z.infer<typeof recordSchema>;

/** A record without what the journal itself adds. */
export type NewRecord = JournalRecord extends infer R
  ? R extends JournalRecord
    ? Omit<R, 'seq' | 'at' | 'bootId'>
    : never
  : never;
