import type { Candidate } from '../candidates/candidate.js';
import { choose } from './choose.js';

const evidence = { share: 1, hits: 5, total: 5 };
const candidate = (digit: number, subject: string): Candidate => ({
  id: String(digit).repeat(40),
  author: { name: 'U', email: 'u@example.org', at: new Date(digit * 1000) },
  subject,
  body: '',
  files: [
    {
      from: 'tag.c',
      to: 'tag.c',
      copied: false,
      hunks: [{ oldStart: digit, section: '', signs: '+', lines: [`sign_the_tag(${digit});\n`] }],
    },
  ],
});

function ranksOf(listed: readonly string[], candidates: readonly Candidate[]): (number | undefined)[] {
  const items = listed.map((subject) => ({
    subject,
    cves: [],
    version: '2',
    at: '2026-01-01T00:00:00.000Z',
    author: { name: 'V', email: 'v@example.org' },
  }));
  const scored = candidates.map((one) => ({ candidate: one, evidence }));
  return choose(scored, items).flatMap(({ candidate: { subject }, listed: named }) =>
    subject === 'style fixes' && named ? [named.rank] : [],
  );
}

it('what the changelog names once stands where it says, of however many of that subject it is one', () => {
  const versions = [candidate(1, 'style fixes'), candidate(2, 'style fixes')];
  expect(ranksOf(['tag: sign', 'style fixes'], versions)).toEqual([1]);
  // Named twice, the words don't tell which of the two stands where.
  expect(ranksOf(['style fixes', 'style fixes'], versions)).toEqual([undefined, undefined]);
});
