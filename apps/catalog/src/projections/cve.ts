import { z } from 'zod';
import { aggregateIdSchema, gitIdSchema } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { type Context, listed } from './read-model.js';
import { sinceShape, table } from './table.js';

const cveIdSchema = z.string().max(32);

export const cveFixTable = table(
  'cve_fixes',
  z.object({ cveId: cveIdSchema, fixId: aggregateIdSchema, kernelId: aggregateIdSchema, ...sinceShape }),
  ['cveId', 'fixId'],
  ['fixId'],
);

/** Which fixes say that they close a CVE. */
export const cveFixes = listed(cveFixTable, ['FixProposed'], ({ fact, position }) => {
  if (fact.type !== 'FixProposed') return [];
  const { cves, fixId, kernelId } = fact.data;
  return distinct(cves).map((cveId) => ({ cveId, fixId, kernelId, position }));
});

export const cveCommitTable = table(
  'cve_commits',
  z.object({
    cveId: cveIdSchema,
    dropId: aggregateIdSchema,
    commit: gitIdSchema,
    subject: z.string(),
    ...sinceShape,
  }),
  ['cveId', 'dropId', 'commit'],
);

/** Which commits of split drops name a CVE. */
export const cveCommits = listed(cveCommitTable, ['DropSplit'], ({ fact, position }, context) =>
  fact.type === 'DropSplit'
    ? context
        .series(fact.data.series)
        .commits.flatMap(({ cves, commit, subject }) =>
          distinct(cves).map((cveId) => ({ cveId, dropId: fact.data.dropId, commit, subject, position })),
        )
    : [],
);

export const cveTable = table('cves', z.object({ cveId: cveIdSchema, ...sinceShape }), ['cveId']);

/** Every CVE that a commit or fix has named. */
export const cves = listed(cveTable, ['DropSplit', 'FixProposed'], (event, context) =>
  namedBy(event, context).map((cveId) => ({ cveId, position: event.position })),
);

function namedBy({ fact }: RecordedEvent, context: Context): readonly string[] {
  if (fact.type === 'FixProposed') return distinct(fact.data.cves);
  if (fact.type !== 'DropSplit') return [];
  return distinct(context.series(fact.data.series).commits.flatMap((commit) => commit.cves));
}

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)];
