import type { Candidate } from '../candidates/candidate.js';
import { parseMail } from '../candidates/parse-mail.js';
import { trailersOfDifference } from '../message.js';
import { compareToUpstream, type EmittedFile } from './upstream.js';

const upstream: Candidate = parseMail(`From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Subject: net: start what must run

---
diff --git a/net/a.c b/net/a.c
--- a/net/a.c
+++ b/net/a.c
@@ -1,3 +1,3 @@
 int a(void)
-	old_start(a);
+	new_start(a);
 }
@@ -10,2 +10,3 @@
 int b(void)
+	begin_all(b);
 }
diff --git a/net/b.c b/net/b.c
--- a/net/b.c
+++ b/net/b.c
@@ -5 +5 @@
-	unused_name(x);
+	other_name(x);
`);

const first = { removed: ['\told_start(a);\n'], added: ['\tnew_start(a);\n'] };
const second = { removed: [], added: ['\tbegin_all(b);\n'] };
const third = { removed: ['\tunused_name(x);\n'], added: ['\tother_name(x);\n'] };
const file = (path: string, ...hunks: EmittedFile['hunks']): EmittedFile => ({ from: path, to: path, hunks });
const saidOf = (...files: EmittedFile[]): string[] =>
  trailersOfDifference(compareToUpstream(upstream, files).difference);

test('a commit that is as upstream has it differs in nothing, blanks and places set aside', () => {
  const moved = { removed: ['  old_start(a);\n'], added: ['  new_start(a);\n'] };
  const { difference, shares } = compareToUpstream(upstream, [file('net/a.c', second, moved), file('net/b.c', third)]);
  expect(difference).toBeUndefined();
  expect(Object.fromEntries(shares)).toEqual({ 'net/a.c': [1, 1], 'net/b.c': [1] });
});

test('hunks and files that aren’t here make it partial', () => {
  expect(saidOf(file('net/a.c', first, second))).toEqual(['Partial: 2 of 3 hunks; net/b.c left out']);
  expect(saidOf(file('net/a.c', second), file('net/b.c', third))).toEqual(['Partial: 2 of 3 hunks']);
  const half = { removed: first.removed, added: [] };
  expect(saidOf(file('net/a.c', half, second), file('net/b.c', third))).toEqual(['Partial: 1 line left out']);
});

test('lines that upstream doesn’t have make it reworked, and their hunk less sure', () => {
  const other = { removed: first.removed, added: ['\told_api_start(a, 0);\n'] };
  const files = [file('net/a.c', other, second), file('net/b.c', third)];
  expect(saidOf(...files)).toEqual(['Reworked: 1 line that upstream does not have in net/a.c']);
  expect(compareToUpstream(upstream, files).shares.get('net/a.c')).toEqual([0.5, 1]);
});

test('a file of the same name in another folder is the moved one only if it has the changes', () => {
  expect(saidOf(file('net/a.c', first, second), file('net/old/b.c', third))).toEqual([
    'Reworked: net/b.c is net/old/b.c here',
  ]);
  const unrelated = { removed: [], added: ['\tsomething_else(y);\n'] };
  expect(saidOf(file('net/a.c', first, second), file('net/old/b.c', unrelated))).toEqual([
    'Partial: 2 of 3 hunks; net/b.c left out',
    'Reworked: 1 line that upstream does not have in net/old/b.c',
  ]);
});
