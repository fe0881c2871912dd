import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Btf, KernelProfile } from '#libs/kernelimage';
import { GitTreeStore, type StoredSeries } from '#libs/trees';
import { makefileBuild, smallProfileData } from './small-profile.fixture.js';
import { buildLevel, type LevelPart } from './build-level.js';
import { buildSeriesFix } from './build-series-fix.js';
import { SeriesHistory } from './dependencies/series-history.js';
import type { BuildOutcome } from './outcome.js';

const files = {
  Makefile: 'obj-m += mod/\n',
  'mod/Makefile': 'obj-m += a.o b.o c.o\n',
  'mod/a.h': '#define A 1\n\n\n\n\n#define END 9\n',
  'mod/a.c': '#include "a.h"\n\n\n\nint a(int x)\n{\n\treturn x + A;\n}\n',
  'mod/c.c': 'int c(int x)\n{\n\tint old = x;\n\n\n\n\n\n\treturn old;\n}\n',
  'mod/b.c': '#include "a.h"\n\n\n\nint b(int x)\n{\n\treturn x + END;\n}\n',
} as const;
type Path = keyof typeof files;

let folder: string;
let series: StoredSeries;
let history: SeriesHistory;
let profile: KernelProfile;

type Step = readonly [name: string, edits: readonly (readonly [Path, string, string])[]];

const endLine = (n: number): string => (n === 0 ? '#define END 9\n' : `#define END 9${n}\n`);

/** Commits by name: each replaces text in files, upon the one before. */
const steps: readonly Step[] = [
  ['brings limit', [['mod/a.h', '#define A 1\n', '#define A 1\nstatic inline int limit(int x) { return x & 7; }\n']]],
  ['uses limit', [['mod/a.c', 'return x + A;', 'return limit(x) + A;']]],
  ['changes that line', [['mod/a.c', 'return limit(x) + A;', 'return limit(x) - A;']]],
  ['stands alone', [['mod/b.c', 'return x + END;', 'return x - END;']]],
  ['uses what a remainder brings', [['mod/b.c', ';\n}\n', ';\n}\nint d(void) { return UNEXPLAINED; }\n']]],
  ['uses what nothing brings', [['mod/b.c', '#include "a.h"\n', '#include "a.h"\nint c(void) { return nowhere; }\n']]],
  ...Array.from({ length: 14 }, (_, i): Step => {
    return [`step ${i + 1}`, [['mod/a.h', endLine(i), endLine(i + 1)]]];
  }),
  ['is half', [['mod/c.c', 'return old;', 'return x & 7;']]],
  [
    'rest\n\nRemainder: mod',
    [
      ['mod/a.h', '\n\n\n\n\n', '\n\n\n#define UNEXPLAINED 1\n\n\n'],
      ['mod/c.c', '\tint old = x;\n', ''],
    ],
  ],
];

async function makeSeries(): Promise<StoredSeries> {
  const trees = new GitTreeStore(join(folder, 'trees.git'));
  const writer = await trees.writeTree();
  for (const [path, text] of Object.entries(files)) await writer.add(path, '100644', Buffer.from(text));
  const { tree } = await writer.finish();
  const author = { name: 'A', email: 'a@example.org', at: new Date('2026-11-16T10:17:40Z') };
  const now: Record<Path, string> = { ...files };
  const commits = steps.map(([name, edits]) => ({
    author,
    message: `${name}\n`,
    changes: edits.map(([path, from, to]) => {
      if (!now[path].includes(from)) throw new Error(`${name}: no ${from}`);
      now[path] = now[path].replace(from, to);
      return { path, after: { mode: '100644' as const, content: Buffer.from(now[path]) } };
    }),
  }));
  const made = await trees.commitSeries({ author, message: 'base\n', tree }, commits);
  return await trees.series(made.at(-1)?.commit ?? '');
}

async function makeProfile(): Promise<KernelProfile> {
  const headers: Record<string, string> = { 'scripts/Makefile.build': makefileBuild, 'include/linux/x.h': '' };
  for (const [path, text] of Object.entries(headers)) {
    await mkdir(dirname(join(folder, 'headers', path)), { recursive: true });
    await writeFile(join(folder, 'headers', path), text);
  }
  const kbuild = {
    CC: ' gcc-12',
    srctree: '.',
    SRCARCH: 'x86',
    KBUILD_CFLAGS: '-O2 -Werror=implicit-function-declaration',
  };
  const emptyBtf = Buffer.alloc(24);
  emptyBtf.writeUInt16LE(0xeb9f);
  emptyBtf.writeUInt32LE(24, 4);
  return new KernelProfile(folder, smallProfileData({ kbuild }), [], new Map(), Btf.parse(emptyBtf));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-series-'));
  series = await makeSeries();
  history = new SeriesHistory(series);
  profile = await makeProfile();
});
afterAll(async () => {
  await series.close();
  await rm(folder, { recursive: true });
});

const idOf = (subject: string): string => series.commits.find((one) => one.subject === subject)?.commit ?? subject;

/** There is no module to match with, so no build here gets past that: what it took along shows all the same. */
async function build(
  ...subjects: string[]
): Promise<{ outcome: BuildOutcome; brings: readonly (readonly string[])[] }> {
  const commits = subjects.map(idOf);
  const outcome = await buildSeriesFix({ profile, history, commits, moduleName: 'm', replace: false });
  return { outcome, brings: (outcome.brings ?? []).map(({ subject, why }) => [subject, why]) };
}

test('a fix that needs no other brings none', async () => {
  const { outcome, brings } = await build('stands alone');
  expect(brings).toEqual([]);
  expect(outcome).toMatchObject({ stage: 'match', objects: [{ path: 'mod/b.o' }] });
});

test('a fix brings the commit with the name that it uses', async () => {
  const { outcome, brings } = await build('uses limit');
  expect(brings).toEqual([['brings limit', 'brings limit']]);
  expect(outcome).toMatchObject({ outcome: 'refused', stage: 'match' });
  expect(outcome.objects.map(({ path }) => path).sort()).toEqual(['mod/a.o']);
});

test('a fix brings the commits that its lines rest on, and what those use', async () => {
  const { brings } = await build('changes that line');
  expect(brings.map(([subject]) => subject)).toEqual(['brings limit', 'uses limit']);
});

test('several commits are built together; none of them is brought', async () => {
  const { outcome, brings } = await build('changes that line', 'brings limit', 'stands alone');
  expect(brings.map(([subject]) => subject)).toEqual(['uses limit']);
  expect(outcome).toMatchObject({ stage: 'match' });
});

test('a refusal names the commits that came along', async () => {
  const { outcome } = await build('uses limit');
  expect(outcome).toMatchObject({
    reasons: expect.arrayContaining([
      expect.objectContaining({ code: 'needs-earlier-commits', symbol: idOf('brings limit') }),
    ]) as unknown,
  });
});

test('what only unexplained changes bring is refused with their name', async () => {
  const { outcome, brings } = await build('uses what a remainder brings');
  expect(brings).toEqual([]);
  expect(outcome).toMatchObject({
    stage: 'compile',
    reasons: [{ code: 'compile-failed' }, { code: 'needs-earlier-commits', symbol: idOf('rest') }],
  });
});

test('a fix in whose function unexplained changes are too may be half of one, and is refused; with them it is built', async () => {
  expect((await build('is half')).outcome).toMatchObject({
    stage: 'apply',
    reasons: [{ code: 'incomplete-fix', symbol: idOf('rest'), object: 'mod/c.c' }],
  });
  expect((await build('is half', 'rest')).outcome).toMatchObject({ stage: 'match', brings: [] });
});

test('what no commit brings is refused with the compiler’s words', async () => {
  const { outcome } = await build('uses what nothing brings');
  expect(outcome).toMatchObject({
    stage: 'compile',
    reasons: [{ code: 'compile-failed', reason: expect.stringContaining('nowhere') as unknown }],
  });
});

test('more commits than a fix may bring are refused, all by name', async () => {
  const { outcome } = await build('step 14');
  if (outcome.outcome !== 'refused') throw new Error('it was built');
  expect(outcome.stage).toBe('apply');
  expect(outcome.reasons.map(({ code, symbol }) => [code, symbol])).toEqual(
    Array.from({ length: 13 }, (_, i) => ['needs-earlier-commits', idOf(`step ${i + 1}`)]),
  );
});

test('a commit that the series doesn’t have is refused', async () => {
  expect((await build('f'.repeat(40))).outcome).toMatchObject({
    stage: 'apply',
    reasons: [{ code: 'unknown-commit' }],
  });
});

const partOf = (fixId: string, paths: readonly string[], source: LevelPart['source']): LevelPart => {
  return { fixId, paths: new Set(paths), functions: [], source };
};
const commitPart = (subject: string, path: string): LevelPart =>
  partOf(subject, [path, path.replace('.c', '.o')], { kind: 'commits', commits: [idOf(subject)] });
/** Replaces a line of the kernel's own source. */
const patchPart = (fixId: string, path: Path, from: string, to: string): LevelPart => {
  const lines = files[path].split('\n');
  const at = lines.indexOf(from);
  const [before = '', after = ''] = [lines[at - 1], lines[at + 1]];
  const patch = [
    `--- a/${path}`,
    `+++ b/${path}`,
    `@@ -${at},3 +${at},3 @@`,
    ` ${before}`,
    `-${from}`,
    `+${to}`,
    ` ${after}`,
    '',
  ];
  return partOf(fixId, [path, path.replace('.c', '.o')], { kind: 'patch', patch: Buffer.from(patch.join('\n')) });
};

const buildOf = async (parts: readonly LevelPart[], leaveOut = false) => {
  const made = await buildLevel({ profile, history, base: history.base, parts, leaveOut, moduleName: 'm' });
  if (made.outcome !== 'refused') throw new Error('there is no module to match with');
  const { stage, reasons, objects } = made.refusal;
  const codes = made.conflicts.map((one) => `${one.fixId}: ${one.reasons[0]?.code}`);
  return { stage, reasons, conflicts: codes, objects: objects.map(({ path }) => path).sort() };
};
const alone = () => commitPart('stands alone', 'mod/b.c');
const elsewhere = () => patchPart('other', 'mod/a.c', '\treturn x + A;', '\treturn x - A;');

describe('a level', () => {
  test('is commits of the series with patches on top of them, in one build', async () => {
    expect(await buildOf([elsewhere(), alone()])).toMatchObject({ stage: 'match', objects: ['mod/a.o', 'mod/b.o'] });
  });

  test('is refused with the name of the patch that doesn’t go with the commits, or is built without it', async () => {
    const against = patchPart('against', 'mod/b.c', '\treturn x + END;', '\treturn END;');
    const refused = await buildOf([alone(), against, elsewhere()]);
    expect(refused).toMatchObject({ stage: 'apply', conflicts: ['against: needs-earlier-commits'], objects: [] });
    const without = await buildOf([alone(), against, elsewhere()], true);
    expect(without).toMatchObject({
      stage: 'match',
      conflicts: expect.arrayContaining([refused.conflicts[0]]) as unknown,
    });
  });

  test('names those that have to do with the object at fault', async () => {
    const broken = patchPart('broken', 'mod/c.c', '\treturn old;', '\treturn nowhere;');
    expect(await buildOf([alone(), elsewhere(), broken])).toMatchObject({
      stage: 'compile',
      conflicts: ['broken: compile-failed'],
    });
  });
});
