import type { Candidate, FilePatch } from '../candidates/candidate.js';
import type { FileVersion } from './woven-tree.js';
import { reconstruct } from './reconstruct.js';
import { itemsOf } from './replay.fixture.js';

const lines = ['first line of the script\n', 'second line of the script\n', 'third line of the script\n'];
const fileOf = (...all: readonly string[]): FileVersion => ({ mode: '100644', content: Buffer.from(all.join('')) });
const commit = (digit: number, ...files: readonly FilePatch[]): Candidate => ({
  id: String(digit).repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
  subject: `commit ${digit}`,
  body: '',
  files,
});

const changed = 'second line, as it is now\n';
const patchOf = (path: string): FilePatch => ({
  from: path,
  to: path,
  copied: false,
  hunks: [
    { oldStart: 1, section: '', signs: ' -+ ', lines: [lines[0] ?? '', lines[1] ?? '', changed, lines[2] ?? ''] },
  ],
});

it('leaves the lines of a file that a commit makes with it, when the vendor has the file under another name', () => {
  const makes = commit(1, {
    to: 'tests/offline/script',
    copied: false,
    mode: '100644',
    hunks: [{ oldStart: 0, section: '', signs: '+++', lines }],
  });
  const kept = new Map([['README', fileOf('about the tests\n')]]);
  const target = new Map([...kept, ['tests/from_cache/script', fileOf(...lines)] as const]);
  const { commits, lineages } = reconstruct({ base: kept, target }, [makes], itemsOf([makes]));
  expect(commits).toHaveLength(1);
  const moved = lineages.find(({ place }) => place?.path === 'tests/from_cache/script');
  expect(moved?.placeAt(0)?.path).toBe('tests/offline/script');
  expect([...(moved?.weave ?? [])].map(({ text, birth }) => [text, birth])).toEqual(lines.map((line) => [line, 0]));
});

it('changes a file under the name that the trees have, when upstream has moved it since', () => {
  const changes = commit(1, patchOf('tests/TEST-09-REBOOT.sh'));
  const moves = commit(2, { from: 'tests/testsuite-09.sh', to: 'tests/TEST-09-REBOOT.sh', copied: false, hunks: [] });
  const base = new Map([['tests/testsuite-09.sh', fileOf(...lines)]]);
  const target = new Map([['tests/testsuite-09.sh', fileOf(lines[0] ?? '', changed, lines[2] ?? '')]]);
  const { commits, lineages } = reconstruct({ base, target }, [changes, moves], itemsOf([changes]));
  expect(commits.map(({ choice, confidence }) => [choice.candidate.subject, confidence])).toEqual([['commit 1', 1]]);
  expect(lineages.flatMap(({ weave }) => [...weave].map(({ text, birth }) => [text, birth]))).toContainEqual([
    changed,
    0,
  ]);
});
