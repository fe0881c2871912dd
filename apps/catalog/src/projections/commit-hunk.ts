import { z } from 'zod';
import { aggregateIdSchema, gitIdSchema } from '#libs/contracts';
import { listed } from './read-model.js';
import { sinceShape, table } from './table.js';

const line = z.int().nonnegative();
const hunkSchema = z.object({
  /** As `diff -U0` counts: lines from 1; of none, the line before. */
  oldStart: line,
  oldLines: line,
  newStart: line,
  newLines: line,
  /** How sure it is that it is this commit's. */
  confidence: z.number().min(0).max(1),
});

const commitHunksSchema = z.object({
  dropId: aggregateIdSchema,
  /** The commit's place in the series, from 0. */
  ordinal: line,
  path: z.string().max(4096),
  commit: gitIdSchema,
  /** Where the monolithic step between the two drops has this commit's changes. */
  hunks: z.array(hunkSchema),
  ...sinceShape,
});
type Hunk = z.infer<typeof hunkSchema>;

export const commitHunkTable = table('commit_hunks', commitHunksSchema, ['dropId', 'ordinal', 'path'], ['commit']);

/** Which places of the monolith each commit of a split drop accounts for, by the split's report. */
export const commitHunks = listed(commitHunkTable, ['DropSplit'], ({ fact, position }, context) => {
  if (fact.type !== 'DropSplit' || fact.data.report === undefined) return [];
  const { dropId, series, report } = fact.data;
  const { commits } = context.series(series);
  return context.hunkMap(report).flatMap(({ path, hunks }) => {
    const byCommit = new Map<number, Hunk[]>();
    for (const { owners, ...place } of hunks) {
      for (const { ordinal, confidence } of owners) {
        byCommit.set(ordinal, [...(byCommit.get(ordinal) ?? []), { ...place, confidence }]);
      }
    }
    return [...byCommit].flatMap(([ordinal, own]) => {
      const commit = commits[ordinal]?.commit;
      return commit === undefined ? [] : [{ dropId, ordinal, path, commit, hunks: own, position }];
    });
  });
});
