import { z } from 'zod';
import { aggregateIdSchema, seriesCommitSchema } from '#libs/contracts';
import { listed } from './read-model.js';
import { sinceShape, table } from './table.js';

const dropCommitSchema = z.object({
  dropId: aggregateIdSchema,
  /** Its place in the series, from 0. */
  ordinal: z.int().nonnegative(),
  ...seriesCommitSchema.shape,
  ...sinceShape,
});

export const dropCommitTable = table('drop_commits', dropCommitSchema, ['dropId', 'ordinal'], ['commit']);

/** The commits of a split drop, in the series' order. */
export const dropCommits = listed(dropCommitTable, ['DropSplit'], ({ fact, position }, context) =>
  fact.type === 'DropSplit'
    ? context
        .series(fact.data.series)
        .commits.map((commit, ordinal) => ({ dropId: fact.data.dropId, ordinal, ...commit, position }))
    : [],
);
