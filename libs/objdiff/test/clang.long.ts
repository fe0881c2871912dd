import { spawnSync } from 'node:child_process';
import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

const compiler = 'clang-14';
const isInstalled = spawnSync(compiler, ['--version']).status === 0;
if (!isInstalled)
  process.stderr.write(`SKIPPED: objects of ${compiler}, which isn't installed (apt-get install ${compiler})\n`);

async function compare(before: string, after: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([compile(before, extra, compiler), compile(after, extra, compiler)]);
  return diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
}

/** One source, of which K is 1 before and 2 after the fix. */
async function vary(source: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  return await compare(`#define K 1\n${source}`, `#define K 2\n${source}`, extra);
}

const gist = (outcome: ObjectDiff) =>
  outcome.outcome === 'changed'
    ? [outcome.changed, outcome.added, outcome.bundled]
    : [outcome.outcome, ...(outcome.outcome === 'refused' ? outcome.reasons.map(({ code }) => code) : [])];
const needs = (outcome: ObjectDiff) =>
  outcome.outcome === 'changed'
    ? outcome.references.filter(({ definedHere }) => definedHere).map(({ symbol }) => symbol)
    : [];

(isInstalled ? describe : describe.skip)(`objects of ${compiler}`, () => {
  test('the same source is no change, wherever it stands', async () => {
    const source = 'static int state; int f(int a) { state += a; _printk("f %d", state); return other(a); }';
    expect(gist(await compare(source, `\n\n${source}`))).toEqual(['no-change']);
  });

  test('a new body is a change, and a static variable keeps its state', async () => {
    const source = `int f(int a) { static int count = 1; count += a; use(&count); return other(a) + K; }
      int g(int a) { static int count = 2; count += a; use(&count); return a; }`;
    const outcome = await vary(source);
    expect(gist(outcome)).toEqual([['f'], [], []]);
    expect(needs(outcome)).toEqual(['f.count']);
  });

  test('where a new variable of the same name comes before it, which is which isn’t told by the name alone', async () => {
    const before = 'int f(int a) { static int count = 1; count += a; use(&count); return other(a); }';
    const after = `int f(int a) { if (a > 3) { static int count = 1; use(&count); count *= 3; return a; }
      static int count = 1; count += a; use(&count); return other(a); }`;
    expect(gist(await compare(before, after))).toEqual(['refused', 'static-local-ambiguous', 'static-local-ambiguous']);
  });

  test('names of functions and once-flags are copied', async () => {
    const source = `int f(int a) {
      static _Bool __attribute__((section(".data.once"))) __already_done;
      if (a > K && !__already_done) { __already_done = 1; _printk("%s", __func__); } return a; }`;
    const outcome = await vary(source);
    expect(gist(outcome)[0]).toEqual(['f']);
    expect(needs(outcome)).toEqual([]);
  });

  test('constants without a name and checks of the sanitizer come along', async () => {
    const cases = [0, 1, 2, 3, 4, 5, 6].map((n) => `case ${n}: return ${n * n + 7};`).join(' ');
    const source = `int table[4]; int f(int a) { switch (a) { ${cases} } return table[a & 7] + K; }`;
    const outcome = await vary(source, ['-fsanitize=array-bounds']);
    expect(gist(outcome)[0]).toEqual(['f']);
    expect(needs(outcome)).toEqual(['table']);
    expect(
      gist(await compare(`#define K 1\n${source}`, `#define K 1\n\n${source}`, ['-fsanitize=array-bounds'])),
    ).toEqual(['no-change']);
  });
});
