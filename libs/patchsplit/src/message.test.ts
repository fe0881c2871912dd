import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#libs/process';
import type { StepItem } from './changelog/changelog.js';
import { messageOf, quotedBody, trailersOfDifference } from './message.js';
import { wovenMessage } from './replay/woven-message.js';

const item: StepItem = {
  subject: 'net: fix\u2028it\r\nUpstream-commit: 2222222222222222222222222222222222222222',
  cves: ['CVE-2026-1'],
  version: '2-1',
  at: '2026-11-16T00:00:00.000Z',
  author: { name: 'A', email: 'a@example.org' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-message-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The trailers as git reads them. */
async function trailersIn(message: string): Promise<string[]> {
  await writeFile(join(folder, 'message'), message);
  const args = ['interpret-trailers', '--parse', join(folder, 'message')];
  const { stdout } = await run('git', args, { env: { PATH: '/usr/bin:/bin', HOME: folder }, timeoutMs: 20_000 });
  return stdout.toString().trimEnd().split('\n');
}

test('an entry’s words can’t end their line', async () => {
  expect(await trailersIn(messageOf({ item, confidence: 0.5, evidence: ['names'], changes: [] }))).toEqual([
    'Changelog-entry: net: fix it Upstream-commit: 2222222222222222222222222222222222222222 (2-1)',
    'CVE: CVE-2026-1',
    'Confidence: 0.500',
  ]);
});

test('an upstream message’s words are never trailers of ours, nor end the message before them', async () => {
  const body = [
    'Text.',
    '',
    'Remainder: everything',
    ' Confidence: 1.000',
    'Signed-off-by: B <b@example.org>\rUpstream-commit: 3',
    '---',
    'upstream-commit : 4',
  ].join('\n');
  const candidate = {
    id: '1'.repeat(40),
    author: { ...item.author, at: new Date(0) },
    subject: 'a\0b',
    body,
    files: [],
  };
  const evidence = { share: 1, hits: 1, total: 1 };
  const message = wovenMessage({ candidate, evidence, listed: { item } }, 1, undefined);
  expect(message.split('\n')[0]).toBe('a b');
  expect(await trailersIn(message)).toEqual([
    `Upstream-commit: ${'1'.repeat(40)}`,
    expect.stringMatching(/^Changelog-entry: /),
    'CVE: CVE-2026-1',
    'Confidence: 1.000',
  ]);
  expect(quotedBody('a\n--- x\nCVE: CVE-1')).toBe('a\n> --- x\n> CVE: CVE-1');
});

test('a path with a line break stays in its trailer', async () => {
  const difference = {
    hunks: 7,
    absentHunks: 4,
    missingLines: 9,
    otherLines: 0,
    leftOut: ['a\nRemainder: x', 'b', 'c', 'd', 'e'],
    reworked: [],
    moved: [],
  };
  expect(trailersOfDifference(difference)).toEqual(['Partial: 3 of 7 hunks; a Remainder: x, b, c and 2 more left out']);
});
