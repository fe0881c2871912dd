import type { Candidate, PatchHunk } from '../candidates/candidate.js';
import { reconstruct, type Versions } from './reconstruct.js';

const path = 'screen.c';
const fileOf = (...lines: readonly string[]): Versions['base'] =>
  new Map([[path, { mode: '100644' as const, content: Buffer.from(lines.join('')) }]]);

const commit = (digit: number, signs: string, ...lines: readonly string[]): Candidate => {
  const hunk: PatchHunk = { oldStart: 1, section: '', signs, lines };
  return {
    id: String(digit).repeat(40),
    author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
    subject: `commit ${digit}`,
    body: '',
    files: [{ from: path, to: path, copied: false, hunks: [hunk] }],
  };
};

it('puts a change in although what is around it differs, when another commit takes its lines away', () => {
  const [begin, end] = ['begin the redraw of the line\n', 'end the redraw of the line\n'];
  const after = 'flush_the_line(at);\n';
  const portable = '#ifdef ENABLE_IMAGES\n';
  const interim = 'draw_the_line(at, interim_width);\n';
  const last = 'draw_the_line(at, visible_width);\n';
  // Made where the portable version's line is not.
  const adds = commit(1, ' +  ', begin, interim, end, after);
  const rewrites = commit(2, ' -+', begin, interim, last);
  const items = [adds, rewrites].map(({ subject, author }) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author,
  }));
  const trees = { base: fileOf(begin, end, portable, after), target: fileOf(begin, last, end, portable, after) };
  const { commits, lineages } = reconstruct(trees, [adds, rewrites], items);
  const lives = lineages.flatMap(({ weave }) => [...weave].map(({ text, birth, death }) => [text, birth, death]));
  expect(commits).toHaveLength(2);
  expect(lives).toContainEqual([interim, 0, 1]);
  expect(lives).toContainEqual([last, 1, Number.POSITIVE_INFINITY]);
});
