import type { Candidate } from '../candidates/candidate.js';
import type { StepItem } from '../changelog/changelog.js';
import { reconstruct, type Versions } from './reconstruct.js';

const path = 'screen.c';

/** A tree of one file. */
export const fileOf = (...lines: readonly string[]): Versions['base'] =>
  new Map([[path, { mode: '100644' as const, content: Buffer.from(lines.join('')) }]]);

/** A commit of one hunk to that file. */
export const commit = (digit: number, signs: string, ...lines: readonly string[]): Candidate => ({
  id: String(digit).repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
  subject: `commit ${digit}`,
  body: '',
  files: [{ from: path, to: path, copied: false, hunks: [{ oldStart: 1, section: '', signs, lines }] }],
});

/** Items of a changelog that names these commits. */
export const itemsOf = (candidates: readonly Candidate[]): StepItem[] =>
  candidates.map(({ subject, author }) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author,
  }));

/** What comes of a step all of whose commits the changelog names: the commits, and each line with those that made it and took it away. */
export function reconstructed(trees: Versions, candidates: readonly Candidate[]) {
  const { commits, lineages } = reconstruct(trees, candidates, itemsOf(candidates));
  return {
    commits,
    lives: lineages.flatMap(({ weave }) => [...weave].map(({ text, birth, death }) => [text, birth, death])),
  };
}
