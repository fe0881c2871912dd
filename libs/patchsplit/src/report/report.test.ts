import { type Files, itemOf, SplitUnderTest } from './report.fixture.js';
import { reportPage } from './page.js';
import { type SplitReport, splitReportSchema } from './schema.js';
import { reportJson } from './write.js';

let under: SplitUnderTest;
beforeEach(() => {
  under = new SplitUnderTest();
});
afterEach(() => under.remove());

const body = (name: string): string =>
  `int ${name}_probe(void)\n{\n\tstart_${name}(1);\n\n\tfinish_${name}(2);\n}\n\nint ${name}_remove(void)\n{\n\tstop_${name}(3);\n\treturn 0;\n}\n`;
const before: Files = {
  'drivers/net/qq100.c': body('qq100'),
  'drivers/usb/zz200.c': body('zz200'),
  'fs/plain.c': body('plain'),
  ...Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`crypto/c${at}.c`, `int level_${at} = 1;\n`])),
};
const edited = (files: Files, path: string, from: string, to: string): Files => ({
  ...files,
  [path]: (files[path] ?? '').replace(from, to),
});
const crowd = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replace(/ = 1;/, ' = 2;')]));

/** Two upstream commits, the second on the first's line; one that the vendor has only in part; one that it had before; one it never took. */
async function withCandidates(under: SplitUnderTest): Promise<SplitReport> {
  const old = edited(before, 'fs/plain.c', '\tstop_plain(3);\n', '\tstop_plain_early(3);\n');
  const candidates = await under.upstream(before, [
    ['fs: plain: stop early', { 'fs/plain.c': ['\tstop_plain(3);\n', '\tstop_plain_early(3);\n'] }],
    ['net: qq100: start with checks', { 'drivers/net/qq100.c': ['start_qq100(1)', 'start_checked_qq100(1)'] }],
    ['net: qq100: check twice', { 'drivers/net/qq100.c': ['start_checked_qq100(1)', 'start_twice_qq100(1)'] }],
    [
      'usb: zz200: start and stop in order',
      {
        'drivers/usb/zz200.c': ['\tstart_zz200(1);\n', '\tstart_ordered_zz200(1);\n'],
        'fs/plain.c': ['\tfinish_plain(2);\n', '\tfinish_ordered_plain(2);\n'],
      },
    ],
    ['crypto: c0: never taken', { 'crypto/c0.c': ['level_0 = 1', 'never_taken_level = 7'] }],
  ]);
  const changelog = ['fs: plain: stop early', 'net: qq100: start with checks', 'net: qq100: check twice'].map(
    (subject) => itemOf(subject, 'CVE-2026-1'),
  );
  changelog.push(itemOf('usb: zz200: start and stop in order'), itemOf('nothing: of this: is there'));
  let after = edited(old, 'drivers/net/qq100.c', 'start_qq100(1)', 'start_twice_qq100(1)');
  after = edited(after, 'drivers/usb/zz200.c', '\tstart_zz200(1);\n', '\tstart_ordered_zz200(1);\n');
  after = edited(after, 'Makefile', '', 'all:\n');
  return await under.report(old, after, { changelog, candidates });
}

test('with candidates: what each commit rests on, differs in and needs, and what came of everything that was given', async () => {
  const report = await withCandidates(under);
  expect(splitReportSchema.parse(JSON.parse(reportJson(report)))).toEqual(report);
  expect(
    report.commits.map(({ kind, subject, evidence, difference }) => [kind, subject, evidence, difference?.leftOut]),
  ).toEqual([
    ['attributed', 'net: qq100: start with checks', ['upstream-lines', 'changelog-subject'], undefined],
    ['attributed', 'net: qq100: check twice', ['upstream-lines', 'changelog-subject'], undefined],
    ['attributed', 'usb: zz200: start and stop in order', ['upstream-lines', 'changelog-subject'], ['fs/plain.c']],
    ['remainder', expect.stringContaining('top level'), [], undefined],
  ]);
  expect(report.dependencies).toEqual([{ commit: 1, needs: [{ commit: 0, paths: ['drivers/net/qq100.c'] }] }]);
  expect(report.files).toEqual([
    { path: 'Makefile', change: 'added', hunks: [[0, 0, 1, 1, [[3, 0]]]], whole: [3] },
    {
      path: 'drivers/net/qq100.c',
      change: 'modified',
      hunks: [
        [
          3,
          1,
          3,
          1,
          [
            [0, 1],
            [1, 1],
          ],
        ],
      ],
    },
    { path: 'drivers/usb/zz200.c', change: 'modified', hunks: [[3, 1, 3, 1, [[2, 1]]]] },
  ]);
  expect(report.unfound.map(({ entry, why }) => [entry, why])).toEqual([
    ['fs: plain: stop early', 'already-in-a'],
    ['nothing: of this: is there', 'not-found'],
  ]);
  expect(report.candidates).toMatchObject({ used: 3, unused: { 'already-in-a': 1 } });
  expect(report.remainders).toMatchObject([{ commit: 3, label: 'top level', files: 1, hunks: 1, insertions: 1 }]);
  expect(report.notices).toEqual(['a note']);
});

test('the same input gives the same bytes', async () => {
  const again = new SplitUnderTest();
  try {
    expect(reportJson(await withCandidates(again))).toBe(reportJson(await withCandidates(under)));
  } finally {
    again.remove();
  }
});

test('by the changelog alone: each hunk of the map has its commit and how sure it is', async () => {
  const after = edited(
    edited(crowd(before), 'drivers/net/qq100.c', '\tstart_qq100(1);\n', '\tstart_qq100(9);\n'),
    'drivers/net/qq100.c',
    '\tstop_qq100(3);\n',
    '\tstop_qq100(4);\n',
  );
  const changelog = [
    itemOf('net: qq100: fix the start in qq100_probe()'),
    itemOf('net: qq100: fix the stop in qq100_remove()'),
    itemOf('mm: was there'),
  ];
  const report = await under.report(before, after, { changelog, earlier: ['mm: was there'] });
  expect(splitReportSchema.parse(JSON.parse(reportJson(report)))).toEqual(report);
  const [first, second] = report.commits;
  expect([first?.subject, second?.subject]).toEqual(changelog.slice(0, 2).map(({ subject }) => subject));
  expect(report.files.find(({ path }) => path === 'drivers/net/qq100.c')?.hunks).toEqual([
    [3, 1, 3, 1, [[0, first?.confidence]]],
    [10, 1, 10, 1, [[1, second?.confidence]]],
  ]);
  expect(first?.evidence).toEqual(['names']);
  expect(report.unfound).toMatchObject([{ entry: 'mm: was there', why: 'already-in-a' }]);
  expect(report.candidates).toBeUndefined();
});

test('the page shows hostile text as text, and loads nothing', async () => {
  const hostile = '<script src=//x>"\' & \u202e\u0007</script> net: qq100: start in qq100_probe()';
  const after = edited(crowd(before), 'drivers/net/qq100.c', '\tstart_qq100(1);\n', '\tstart_qq100(9);\n');
  const report = await under.report(before, after, { changelog: [itemOf(hostile), itemOf('<img src=x onerror=y>')] });
  const page = reportPage({ ...report, notices: ['<b>note</b>'] });
  expect(page).not.toMatch(/<(?:script|img|b|iframe|link)\b/i);
  expect(['\u202e', '\u0007'].filter((char) => page.includes(char))).toEqual([]);
  expect(page).toContain('&#60;img src=x onerror=y&#62;');
  expect(page).toContain("default-src 'none'");
  expect(page.match(/<table>/g)?.length).toBe(page.match(/<\/table>/g)?.length);
});

test('a step that is too large to be mapped is reported all the same, and says so', async () => {
  const after = edited(before, 'fs/plain.c', 'return 0;', 'return 1;');
  const read = under.trees.readBlobs.bind(under.trees);
  const report = await under.report(before, after, {}, () => {
    under.trees.readBlobs = async (blobs) => await read(blobs, 3);
  });
  expect(report).toMatchObject({ files: [], dependencies: [], counts: { files: 1, remainders: 1 } });
  expect(report.notices.at(-1)).toContain('too large to say of each change whose it is');
});

test('a series that stands on another is reported alone', async () => {
  const between = edited(before, 'fs/plain.c', 'return 0;', 'return 1;');
  const first = await under.report(before, between, {});
  const after = edited(between, 'fs/plain.c', 'return 1;', 'return 2;');
  const { commits, files, dependencies } = await under.report(between, after, { onto: first.head });
  expect(commits.map(({ parent }) => parent)).toEqual([first.head]);
  expect(files).toEqual([{ path: 'fs/plain.c', change: 'modified', hunks: [[11, 1, 11, 1, [[0, 0]]]] }]);
  expect(dependencies).toEqual([]);
});
