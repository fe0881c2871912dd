import type { Candidate } from '../candidates/candidate.js';
import { choose } from './choose.js';
import { Surroundings } from './surroundings.js';

const path = 'remote-curl.c';
/** One change, as it was made on a branch that includes another header. */
const version = (digit: number, header: string): Candidate => ({
  id: String(digit).repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
  subject: 'remote-curl: add the header for older curl only',
  body: '',
  files: [
    {
      from: path,
      to: path,
      copied: false,
      hunks: [
        {
          oldStart: 1,
          section: '',
          signs: ' + ',
          lines: [`#include "${header}"\n`, '#include "version.h"\n', '#include "remote.h"\n'],
        },
      ],
    },
  ],
});
const older = version(1, 'cache.h');
const newer = version(2, 'environment.h');
const lines = new Set(['#include "environment.h"', '#include "remote.h"']);
const surroundings = new Surroundings((of, key) => of === path && lines.has(key));

it('tells how much of what a candidate leaves unchanged is there', () => {
  expect(surroundings.shareOf(older)).toBe(0.5);
  expect(surroundings.shareOf(newer)).toBe(1);
});

it('of two versions of one change, the one that was made for such files is chosen', () => {
  const evidence = { share: 1, hits: 1, total: 1 };
  const scored = [older, newer].map((candidate) => ({ candidate, evidence }));
  const { subject, author } = newer;
  const items = [{ subject, cves: [], version: '2', at: '2026-01-01T00:00:00.000Z', author }];
  const idsOf = (around?: (candidate: Candidate) => number): (string | undefined)[] =>
    choose(scored, items, around).map(({ candidate }) => candidate.id);
  expect(idsOf((one) => surroundings.shareOf(one))).toEqual([newer.id]);
  expect(idsOf()).toEqual([older.id]);
});
