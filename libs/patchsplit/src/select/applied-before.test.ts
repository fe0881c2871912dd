import type { Candidate } from '../candidates/candidate.js';
import { parseMail } from '../candidates/parse-mail.js';
import { AppliedBefore } from './applied-before.js';

const base = ['1.1 released\n', 'by anne\n', '1.0 released\n', 'by otto\n', 'older entries\n'];
const whole = { share: 1, hits: 2, total: 2 };

function patch(hunk: string, header = '--- a/NEWS\n+++ b/NEWS\n'): Candidate {
  return parseMail(
    `From ${'a'.repeat(40)} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: 1 Jan 2026 00:00:00 +0000\n` +
      `Subject: [PATCH] news\n\n---\ndiff --git a/NEWS b/NEWS\n${header}${hunk}`,
  );
}

const asked = (candidate: Candidate, evidence = whole): boolean =>
  new AppliedBefore((path) => (path === 'NEWS' ? base : undefined)).has({ candidate, evidence });

const entry = patch('@@ -1,2 +1,4 @@\n+1.1 released\n+by anne\n 1.0 released\n by otto\n');

test('a patch that would fit once more is in the base if all that it leaves stands there', () => {
  expect(asked(entry)).toBe(true);
});

test('a patch of which the base has the old side alone is not in it', () => {
  expect(asked(patch('@@ -1,2 +1,4 @@\n+1.2 released\n+by zoe\n 1.1 released\n by anne\n'))).toBe(false);
  // The lines are there, with another one between them.
  expect(asked(patch('@@ -1,1 +1,2 @@\n+1.1 released\n 1.0 released\n'))).toBe(false);
  expect(new AppliedBefore(() => undefined).has({ candidate: entry, evidence: whole })).toBe(false);
});

test('what only removes lines, or has next to no evidence, is not asked', () => {
  expect(asked(patch('@@ -1,2 +1,1 @@\n-1.2 released\n 1.1 released\n'))).toBe(false);
  expect(asked(entry, { share: 0.1, hits: 1, total: 10 })).toBe(false);
});

test('a file that the patch deletes and the base has speaks against it', () => {
  const gone = parseMail(
    `From ${'b'.repeat(40)} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: 1 Jan 2026 00:00:00 +0000\n` +
      'Subject: [PATCH] news\n\n---\ndiff --git a/NEWS b/NEWS\n--- a/NEWS\n+++ b/NEWS\n@@ -1,2 +1,4 @@\n+1.1 released\n+by anne\n' +
      ' 1.0 released\n by otto\ndiff --git a/OLD b/OLD\ndeleted file mode 100644\n--- a/OLD\n+++ /dev/null\n@@ -1 +0,0 @@\n-old text here\n',
  );
  const files = new Map([
    ['NEWS', base],
    ['OLD', ['old text here\n']],
  ]);
  const has = (path: string): readonly string[] | undefined => files.get(path);
  expect(new AppliedBefore(has).has({ candidate: gone, evidence: whole })).toBe(false);
  files.delete('OLD');
  expect(new AppliedBefore(has).has({ candidate: gone, evidence: whole })).toBe(true);
});
