import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pairedByContent } from './paired-by-content.js';

const [same, other] = ['1'.repeat(40), '2'.repeat(40)];
const words = (by: string): string[] => Array.from({ length: 30 }, (_, at) => `msgstr "word ${at} of ${by}"`);
let folder: string;

const mail = (id: string, path: string, lines: readonly string[]): string =>
  `From ${id} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n` +
  `Subject: [PATCH] po: update\n\n---\ndiff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n` +
  `@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join('')}\n`;

const commit = (id: string, digit: number): object => ({
  id,
  vendor: String(digit).repeat(40),
  subject: 'po: update',
  in_candidates: true,
  patch_ids: ['x', 'y'],
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pairs-'));
  for (const side of ['a', 'b']) mkdirSync(join(folder, side, 'po'), { recursive: true });
  writeFileSync(join(folder, 'b/po/de.po'), words('the vendor').join('\n'));
  writeFileSync(join(folder, 'b/po/fr.po'), words('both').join('\n'));
  for (const side of ['a', 'b']) execFileSync('tar', ['-cf', join(folder, `${side}.tar`), '-C', folder, side]);
  const truth = {
    commits: [commit(same, 8), commit(other, 9)],
    tags: [same, other],
    plus: { 'po/fr.po': [[1, 30, 0, [0]]], 'po/de.po': [[1, 30, 1, [1]]] },
    minus: {},
    struct: [{ commits: [other] }],
  };
  writeFileSync(join(folder, 'truth.json'), JSON.stringify(truth));
  writeFileSync(
    join(folder, 'candidates.mbox'),
    mail(same, 'po/fr.po', words('both')) + mail(other, 'po/de.po', words('another year')),
  );
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a commit that was paired by its subject alone is the vendor’s own; one with the same lines stays', async () => {
  const out = join(folder, 'checked');
  expect(await pairedByContent(folder, out)).toEqual([{ id: other, subject: 'po: update', lines: 30, shared: 0 }]);
  const vendors = `vendor:${'9'.repeat(40)}`;
  expect(JSON.parse(readFileSync(join(out, 'truth.json'), 'utf8'))).toMatchObject({
    commits: [
      { id: same, in_candidates: true },
      { id: vendors, in_candidates: false },
    ],
    tags: [same, vendors],
    struct: [{ commits: [vendors] }],
  });
});
