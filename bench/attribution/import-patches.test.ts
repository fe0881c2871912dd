import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importPatches } from './import-patches.js';
import { StepError } from './step.js';

const options = { unlisted: 0, seed: 1 };
let folder: string;

const mail = (subject: string, date: string, ...diff: string[]): string =>
  `From: A <a@example.org>\nDate: ${date}\nSubject: [PATCH] ${subject}\n\n---\n${diff.map((line) => `${line}\n`).join('')}`;
const changed = (path: string, range: string, ...lines: string[]): string[] => [
  `diff --git a/${path} b/${path}`,
  `--- a/${path}`,
  `+++ b/${path}`,
  range,
  ...lines,
];

const fix = (line: number, name: string): string[] =>
  changed(
    'net/x.c',
    `@@ -${line},4 +${line},4 @@ int ${name}(void)`,
    ' \tint a;',
    '-\ta = 1;',
    '+\ta = 2;',
    ' \tb();',
    ' }',
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attribution-patches-'));
  await mkdir(join(folder, 'cve'));
  const files = {
    'cve/0001.patch': mail('net: x: Second', 'Tue, 2 Apr 2024 10:00:00 +0000', ...fix(20, 'two')),
    'cve/0002.patch': mail('net: x: Second', 'Tue, 2 Apr 2024 10:00:00 +0000', ...fix(90, 'two')),
    '0003.patch': mail('net: x: First', 'Mon, 1 Apr 2024 10:00:00 +0000', ...fix(50, 'one')),
    '0004.patch': mail('net: x: Later', 'Wed, 3 Apr 2024 10:00:00 +0000', ...fix(70, 'three')),
    '0005.patch': mail(
      'net: y: Add',
      'Mon, 1 Apr 2024 09:00:00 +0000',
      'diff --git a/y.c b/y.c',
      'new file mode 100644',
      '--- /dev/null',
      '+++ b/y.c',
      '@@ -0,0 +1,2 @@',
      '+int y;',
      '+int z;',
    ),
    'notes.patch': 'no patch\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test('each hunk stands at its place in the file, in the function that the patch names, and is its patch’s', async () => {
  const { subjects, files, truth } = await importPatches(folder, { until: new Date('2024-04-03') }, options);
  expect(subjects).toEqual(['net: y: Add', 'net: x: First', 'net: x: Second']);
  expect(files).toEqual([
    {
      path: 'net/x.c',
      whole: false,
      hunks: [
        expect.objectContaining({ at: 20, removed: ['\ta = 1;\n'], added: ['\ta = 2;\n'], functions: ['two'] }),
        expect.objectContaining({ at: 50, removed: ['\ta = 1;\n'], added: ['\ta = 2;\n'], functions: ['one'] }),
      ],
    },
    { path: 'y.c', whole: true, hunks: [expect.objectContaining({ at: 0, added: ['int y;\n', 'int z;\n'] })] },
  ]);
  // The function's line isn't taken for one that stands near the change.
  expect(files[0]?.hunks[0]?.near.join('')).not.toContain('two');
  expect(truth).toEqual([
    new Map([['net: x: Second', 2]]),
    new Map([['net: x: First', 2]]),
    new Map([['net: y: Add', 2]]),
  ]);
});

test('patches are chosen by their date', async () => {
  const { subjects } = await importPatches(folder, { since: new Date('2024-04-02') }, options);
  expect(subjects).toEqual(['net: x: Second', 'net: x: Later']);
});

test('refused: a time in which there are none', async () => {
  await expect(importPatches(folder, { since: new Date('2025-01-01') }, options)).rejects.toThrow(StepError);
});
