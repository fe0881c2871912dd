import type { Candidate, PatchHunk } from '../candidates/candidate.js';
import { reconstruct, type Reconstruction, type Versions } from './reconstruct.js';

const count = 300;
const numbers = Array.from({ length: count }, (_, at) => at);
const message = (at: number): string => `msgid "message number ${at}"\n`;
const words = (at: number, by: string): string => `msgstr "what ${by} makes of it ${at}"\n`;
const catalogue = (by: string): string[] => numbers.flatMap((at) => [message(at), words(at, by), '\n']);
const versionOf = (lines: readonly string[]) => ({ mode: '100644' as const, content: Buffer.from(lines.join('')) });

function commit(digit: number, hunks: readonly PatchHunk[]): Candidate {
  return {
    id: String(digit).repeat(40),
    author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
    subject: `translate ${digit}`,
    body: '',
    files: [{ from: 'po/de.po', to: 'po/de.po', copied: false, hunks }],
  };
}

function labelsOf(base: readonly string[], target: readonly string[], candidates: readonly Candidate[]): number[] {
  const versions: Versions = {
    base: new Map([['po/de.po', versionOf(base)]]),
    target: new Map([['po/de.po', versionOf(target)]]),
  };
  const items = candidates.map(({ subject, author }) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author,
  }));
  const { lineages }: Reconstruction = reconstruct(versions, candidates, items);
  return lineages.flatMap((lineage) => lineage.labels());
}

test('a file that the vendor made anew is nobody’s, however alike its lines are', () => {
  const upstream = commit(
    1,
    numbers.map((at) => ({
      oldStart: at * 3 + 1,
      section: '',
      signs: ' -+ ',
      lines: [message(at), words(at, 'an older program'), words(at, 'upstream'), '\n'],
    })),
  );
  expect(labelsOf(catalogue('the older release'), catalogue('the vendor'), [upstream])).toEqual([1]);
});

test('what a later commit of the step wrote over was there, though nothing of it shows', () => {
  const base = ['begin the table\n', 'end the table\n'];
  const [first = '', last = ''] = base;
  const interim = numbers.map((at) => words(at, 'the first'));
  const final = words(0, 'the second');
  const adds = commit(1, [
    { oldStart: 1, section: '', signs: ` ${'+'.repeat(count)} `, lines: [first, ...interim, last] },
  ]);
  const rewrites = commit(2, [
    { oldStart: 1, section: '', signs: ` ${'-'.repeat(count)}+ `, lines: [first, ...interim, final, last] },
  ]);
  expect(labelsOf(base, [first, final, last], [adds, rewrites])).toEqual([0, 1]);
});
