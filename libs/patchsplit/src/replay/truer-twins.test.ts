import type { Candidate } from '../candidates/candidate.js';
import { reconstruct, type Versions } from './reconstruct.js';

const path = 'tty.c';
const base = Array.from({ length: 60 }, (_, at) => `step_of_the_table(${at});\n`);
const header = ['#include "ranges.h"\n', '#include "visible.h"\n', '#include "floating.h"\n'];
const fix = 'clear_the_pane(pane, visible);\n';
const fileOf = (lines: readonly string[]): Versions['base'] =>
  new Map([[path, { mode: '100644' as const, content: Buffer.from(lines.join('')) }]]);

const commit = (id: string, subject: string, oldStart: number, added: readonly string[], at: number): Candidate => ({
  id: id.repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(1000) },
  subject,
  body: '',
  files: [
    {
      from: path,
      to: path,
      copied: false,
      hunks: [
        {
          oldStart,
          section: '',
          signs: ` ${'+'.repeat(added.length)} `,
          lines: [base[at] ?? '', ...added, base[at + 1] ?? ''],
        },
      ],
    },
  ],
});

const includes = commit('f', 'tty: include more', 1, header, 0);
/** The fix after line 30 of the base, as it was made in a file in which that line had this number. */
const made = (id: string, number: number): Candidate => commit(id, 'tty: clear what is visible', number, [fix], 30);

function takenOf(candidates: readonly Candidate[], times = 1): (string | undefined)[] {
  const named = [includes, ...Array.from({ length: times }, () => made('a', 1))];
  const items = named.map(({ subject, author }) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author,
  }));
  const target = [base[0] ?? '', ...header, ...base.slice(1, 31), fix, ...base.slice(31)];
  const trees = { base: fileOf(base), target: fileOf(target) };
  return reconstruct(trees, [includes, ...candidates], items).commits.map(({ choice }) => choice.candidate.id?.[0]);
}

it('of two candidates that are one patch, takes the one whose hunks stand where it says', () => {
  expect(takenOf([made('a', 31), made('b', 34)])).toEqual(['f', 'b']);
  expect(takenOf([made('a', 34), made('b', 31)])).toEqual(['f', 'a']);
});

it('takes the nearer one where neither stands there, and the first where both do', () => {
  expect(takenOf([made('a', 300), made('b', 36)])).toEqual(['f', 'b']);
  expect(takenOf([made('a', 34), made('b', 34)])).toEqual(['f', 'a']);
});

it('leaves twins alone that the changelog names both', () => {
  expect(takenOf([made('a', 31), made('b', 34)], 2)).toContain('a');
});
