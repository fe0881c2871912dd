import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

const diff = (original: Uint8Array, patched: Uint8Array): ObjectDiff =>
  diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });

async function vary(source: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  return await compare(`#define K 1\n${source}`, `#define K 2\n${source}`, extra);
}

async function compare(before: string, after: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([compile(before, extra), compile(after, extra)]);
  return diff(original, patched);
}

const gist = (outcome: ObjectDiff) =>
  outcome.outcome === 'changed'
    ? [outcome.changed, outcome.added, outcome.bundled]
    : [outcome.outcome, ...(outcome.outcome === 'refused' ? outcome.reasons.map(({ code }) => code) : [])];

const header = (bytes: Uint8Array, ...changes: readonly (readonly [number, number])[]) => {
  const copy = bytes.slice();
  for (const [at, value] of changes) copy[at] = value;
  return copy;
};
const guarded = (k: string, fix: number) => `int f(int a) { asm volatile("1: mov (%0), %0\\n2:\\n"
      ".pushsection .fixup,\\"ax\\"\\n3: mov $" "${fix}" ", %0\\njmp 2b\\n.popsection\\n"
      ".pushsection __ex_table,\\"a\\"\\n.long 1b - ., 3b - .\\n.popsection" : "+r"(a)); return a + ${k}; }`;
const shared = (k: string, lines: number) => `
    static int __attribute__((section(".ref.text"))) first(int a) { ${'use(&a); '.repeat(lines)} return a; }
    static int __attribute__((section(".ref.text"))) second(int a) { use(&a); return 2; }
    int (*hooks[2])(int) = {first, second}; int f(int a) { return other(a) + ${k}; }`;
const scopedFunction = (
  scope: string,
  k: string,
) => `${scope} noinline __attribute__((noclone)) int h(int a) { use(&a); return other(a) + ${k}; }
      int f(int a) { return h(a) + 1; }`;
const scopedVariable = (scope: string, k: string) => `${scope} int level = 3;
      int f(int a) { level += a; use(&level); return other(a) + ${k}; }`;

describe('objects of other architectures', () => {
  test.each([
    ['aarch64', [[18, 183]]],
    ['ppc64', [[18, 21]]],
    [
      'loongarch',
      [
        [18, 2],
        [19, 1],
      ],
    ],
    [
      's390, 64-bit big-endian',
      [
        [5, 2],
        [18, 0],
        [19, 22],
      ],
    ],
    [
      'i386, 32-bit',
      [
        [4, 1],
        [18, 3],
      ],
    ],
    ['x86-64, 32-bit', [[4, 1]]],
    [
      'machine 4660',
      [
        [18, 0x34],
        [19, 0x12],
      ],
    ],
  ] as const)('%s is refused by name', async (name, changes) => {
    const own = await compile('int f(int a) { return a; }');
    const foreign = header(own, ...changes);
    const outcome = diff(foreign, foreign);
    expect(outcome.outcome === 'refused' && outcome.reasons).toMatchObject([
      { code: 'other-architecture', reason: expect.stringContaining(`original: ${name}`) },
      { code: 'other-architecture', reason: expect.stringContaining(`patched: ${name}`) },
    ]);
  });
});

describe('constants without a name', () => {
  const cases = [0, 1, 2, 3, 4, 5, 6].map((n) => `case ${n}: return other(a + ${n * n}) * ${n + 3};`).join(' ');

  test('a switch’s table comes along with its function', async () => {
    const source = `int f(int a) { switch (a) { ${cases} } return K; } int g(int a) { switch (a) { ${cases} } return 0; }`;
    const outcome = await vary(source, ['-fjump-tables']);
    expect(gist(outcome)).toEqual([['f'], [], ['f.cold', '.rodata.f+0']]);
  });
});

describe('checks of the sanitizer', () => {
  const source = `int table[4]; int f(int a) { return table[a & 7] + K; }\nint g(int a) { return table[a & 15]; }`;

  test('come along, and a moved line is no change', async () => {
    const outcome = await vary(source, ['-fsanitize=bounds']);
    expect(gist(outcome)[0]).toEqual(['f']);
    expect(outcome.outcome === 'changed' && outcome.bundled.filter((name) => name.includes('ubsan_data'))).toHaveLength(
      1,
    );
    expect(gist(await compare(`#define K 1\n${source}`, `#define K 1\n\n\n${source}`, ['-fsanitize=bounds']))).toEqual([
      'no-change',
    ]);
  });
});

describe('snippets of exception fix-ups', () => {
  test('come along with their function, and change it', async () => {
    expect(gist(await compare(guarded('1', 7), guarded('2', 7)))).toEqual([['f'], [], ['.fixup+0']]);
    expect(gist(await compare(guarded('1', 7), guarded('1', 8)))).toEqual([['f'], [], ['.fixup+0']]);
    expect(gist(await compare(guarded('1', 7), guarded('1', 7)))).toEqual(['no-change']);
  });
});

describe('functions that share a section', () => {
  test('may move within it without a change of what points to them', async () => {
    const outcome = await compare(shared('1', 1), shared('1', 2));
    expect(gist(outcome)).toEqual(['refused', 'bundled-sections']);
    expect(outcome.outcome === 'refused' && outcome.reasons[0]?.symbol).toContain('first');
  });
});

describe('lines', () => {
  test('given with the file’s name are no change, whoever is told', async () => {
    const report =
      'extern void report(const char *, int); int f(int a) { if (a) report("fs/small.c", __LINE__); return a; }';
    const named = `extern void report(const char *, int); int f(int a) { if (a) report("small", __LINE__); return a; }`;
    const place =
      'extern void __ext4_std_error(const char *, int, int); int f(int a) { if (a) __ext4_std_error(__func__, __LINE__, a); return a; }';
    expect(gist(await compare(report, `\n\n${report}`))).toEqual(['no-change']);
    expect(gist(await compare(place, `\n\n${place}`))).toEqual(['no-change']);
    expect(gist(await compare(named, `\n\n${named}`))).toEqual([['f'], [], []]);
    const other = place.replaceAll('__ext4_std_error', 'unheard_of');
    expect(gist(await compare(other, `\n\n${other}`))[0]).toEqual(['f']);
  });
});

describe('remarks of the author', () => {
  test('leave out a function, or a section', async () => {
    const source = `int __init start(int a) { return other(a) + K; } int f(int a) { return other(a) + K; }
      notrace int h(int a) { return a + K; }`;
    const remarks = `static void *function __attribute__((used, section(".kpatch.ignore.functions"))) = h;
      static const char *name __attribute__((used, section(".kpatch.ignore.sections"))) = ".init.text";`;
    const outcome = await compare(`#define K 1\n${source}`, `#define K 2\n${source}\n${remarks}`);
    expect(gist(outcome)).toEqual([['f'], [], []]);
    const notices = outcome.notices.map(({ code, symbol }) => `${code} ${symbol}`);
    expect(notices.sort()).toEqual(['left-out h', 'left-out start']);
  });
});

describe('functions turned global and back', () => {
  test('are the same function', async () => {
    expect(gist(await compare(scopedFunction('static', '1'), scopedFunction('', '2')))).toEqual([['h'], [], []]);
    expect(gist(await compare(scopedFunction('', '1'), scopedFunction('static', '2')))).toEqual([['h'], [], []]);
  });

  test('and so are variables, whose state is one', async () => {
    const outcome = await compare(scopedVariable('static', '1'), scopedVariable('', '2'));
    expect(gist(outcome)).toEqual([['f'], [], []]);
    expect(outcome.outcome === 'changed' && outcome.references).toContainEqual({ symbol: 'level', definedHere: true });
    expect(gist(await compare(scopedVariable('', '1'), scopedVariable('static', '2')))).toEqual([['f'], [], []]);
  });
});
