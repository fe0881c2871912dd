import type { Candidate, PatchHunk } from '../candidates/candidate.js';
import { reconstruct, type Versions } from './reconstruct.js';

const path = 'redraw.c';
const [begin, end] = ['begin the table\n', 'end the table\n'];
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

it('takes a line of an earlier commit away where the change that does so found no place', () => {
  const interim = 'draw_the_line(at, interim_width);\n';
  const stays = 'draw_the_frame(at, width);\n';
  const adds = commit(1, ' ++ ', begin, interim, stays, end);
  const rewrites = commit(
    2,
    ' -+ ',
    'what the vendor lacks\n',
    interim,
    'draw_the_line(at, width);\n',
    'nor has this\n',
  );
  const items = [adds, rewrites].map(({ subject, author }) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author,
  }));
  const vendors = 'draw_the_line(at, vendor_width);\n';
  const trees = { base: fileOf(begin, end), target: fileOf(begin, vendors, stays, end) };
  const { lineages } = reconstruct(trees, [adds, rewrites], items);
  const lives = lineages.flatMap(({ weave }) => [...weave].map(({ text, birth, death }) => [text, birth, death]));
  expect(lives).toContainEqual([interim, 0, 1]);
  expect(lives).toContainEqual([vendors, 1, Number.POSITIVE_INFINITY]);
});
