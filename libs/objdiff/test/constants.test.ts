import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

/** One source, of which K is 1 before and 2 after the fix. */
async function vary(source: string, owner = 'vmlinux'): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([1, 2].map(async (k) => await compile(`#define K ${k}\n${source}`)));
  if (original === undefined || patched === undefined) throw new Error('nothing compiled');
  return diffObjects({ objectFile: 'small.o', owner, original, patched });
}

function gist(outcome: ObjectDiff) {
  const notices = outcome.notices.map(({ code, symbol }) => `${code} ${symbol}`).sort();
  if (outcome.outcome === 'refused') return { refused: outcome.reasons.map(({ code, symbol }) => `${code} ${symbol}`) };
  if (outcome.outcome === 'no-change') return { 'no-change': notices };
  return { changed: outcome.changed, added: [...outcome.added].sort(), notices };
}

const initUser = (init: string) => `static const int table[1 + K] = {1}; int f(int a) { return table[a]; }
  int __init start(int a) { return table[a] ${init}; }`;

const handlers = (use: string, entry = 'other') => `static noinline int h(int a) { return a + 1; }
  NEW static int (*const calls[1 + K])(int) = {h, ${entry}}; int f(int a) { ${use} }`;

const handedOn = async (use: string) =>
  (await vary(`static const int table[1 + K] = {1}; int f(int a) { ${use} return a; }`)).notices.map(({ reason }) =>
    reason.includes('hand on'),
  );

describe('a constant table that changes', () => {
  test('with strings, is copied', async () => {
    const source = `static const char *const names[1 + K] = {"one"}; const char *f(int a) { return names[a]; }
      const char *g(int a) { return "g"; }`;
    expect(gist(await vary(source))).toEqual({ changed: ['f'], added: ['names'], notices: ['constant-copied names'] });
  });

  test('says whether its address is handed on', async () => {
    expect(await handedOn('a += table[a];')).toEqual([false]);
    expect(await handedOn('use(table);')).toEqual([true]);
  });

  test('within another, is copied with that one and for all who use either', async () => {
    const source = `struct set { const int *list; int n; };
      static const int inner[2] = {1, K}; static const int same[2] = {3, 4};
      static const struct set sets[] = {{inner, 2}, {same, 2}};
      int f(int a) { return sets[a].list[0]; } int g(int a) { return inner[a]; } int h(int a) { return same[a]; }`;
    expect(gist(await vary(source))).toEqual({
      changed: ['f', 'g'],
      added: ['inner', 'sets'],
      notices: ['constant-copied inner', 'constant-copied sets'],
    });
  });

  test('of functions, is copied where code only reads its elements', async () => {
    const source = handlers('return calls[a](a) + 1;').replace('NEW', '');
    expect(gist(await vary(source))).toEqual({ changed: ['f'], added: ['calls'], notices: ['constant-copied calls'] });
  });

  test('of functions, is refused where its address could be kept, or one of them is new', async () => {
    const kept = handlers('use(calls); return a;').replace('NEW', '');
    expect(gist(await vary(kept))).toEqual({ refused: ['data-size-changed calls'] });
    const fresh = handlers('return calls[a](a) + 1;', 'PICK').replace(
      'NEW',
      `#if K == 2\nstatic int fresh(int a) { return other(a) * 3; }\n#define PICK fresh\n#else\n#define PICK other\n#endif\n`,
    );
    expect(gist(await vary(`\n${fresh}`))).toEqual({ refused: ['data-size-changed calls'] });
  });

  test('is refused where a variable points to it, or other files may', async () => {
    const pointed = `static const int table[1 + K] = {1}; const int *where = table; int f(int a) { return table[a]; }`;
    expect(gist(await vary(pointed))).toEqual({ refused: ['data-size-changed table'] });
    const global = `const int table[1 + K] = {1}; int f(int a) { return table[a]; }`;
    expect(gist(await vary(global))).toEqual({ refused: ['data-size-changed table'] });
  });

  test('is refused by name where a driver is registered with it', async () => {
    const source = `static const int ids[1 + K] = {1};
      extern typeof(ids) __mod_usb__ids_device_table __attribute__((unused, alias("ids")));
      int f(int a) { return ids[a]; }`;
    expect(gist(await vary(source))).toEqual({ refused: ['registration-changed ids'] });
  });

  test('is none of init code’s business any more, unless that changes or is a module’s', async () => {
    expect(gist(await vary(initUser('')))).toMatchObject({ changed: ['f'], added: ['table'] });
    expect(gist(await vary(initUser('+ K')))).toEqual({ refused: ['init-changed start'] });
    expect(gist(await vary(initUser(''), 'm'))).toEqual({ refused: ['data-size-changed table'] });
  });
});

const advice = async (source: string, owner?: string) => {
  const outcome = await vary(source, owner);
  return outcome.outcome === 'refused' ? outcome.reasons.map((reason) => reason.advice) : [];
};

describe('init code that changes', () => {
  const start = 'int __init start(int a) { return other(a) + K; }';

  test('alone: says when the fix takes effect', async () => {
    expect(await advice(start)).toEqual(['Nothing else changes: the fix takes effect when the kernel boots again.']);
    expect(await advice(start, 'm')).toEqual(['Nothing else changes: the fix takes effect when m is loaded again.']);
  });

  test('with others: says which of them could have been patched', async () => {
    expect(await advice(`${start} int f(int a) { return a + K; } int g(int a) { return a; }`)).toEqual([
      'Leave it out, if the rest is right without it: that is f, which could be patched.',
    ]);
  });
});

test('a new function whose address is given away is told of', async () => {
  const source = `#if K == 2\nstatic int fresh(int a) { return other(a) * 3; }\n#endif
    int f(int a) {\n#if K == 2\nuse(fresh);\n#endif\nreturn a + K; }`;
  expect(gist(await vary(source))).toEqual({ changed: ['f'], added: ['fresh'], notices: ['new-code-address fresh'] });
});
