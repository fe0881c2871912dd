import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

async function diff(before: string, after: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([compile(before, extra), compile(after, extra)]);
  return diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
}

/** One source, of which K is 1 before and 2 after the fix. */
async function vary(source: string, extra: readonly string[] = []): Promise<ObjectDiff> {
  return await diff(`#define K 1\n${source}`, `#define K 2\n${source}`, extra);
}

/** What counts of an outcome, to compare whole. */
function gist(outcome: ObjectDiff) {
  if (outcome.outcome === 'no-change') return { outcome: outcome.outcome };
  if (outcome.outcome === 'refused')
    return {
      outcome: outcome.outcome,
      reasons: outcome.reasons.map(({ code, symbol }) => `${code} ${symbol ?? ''}`).sort(),
    };
  const { changed, added, bundled } = outcome;
  return { outcome: outcome.outcome, changed, added, bundled };
}

const codes = (outcome: ObjectDiff) => outcome.notices.map(({ code, symbol }) => `${code} ${symbol ?? ''}`);

const f = (body: string) => `int f(int a) { ${body} }\n`;
const changed = (names: string[], added: string[] = [], bundled: string[] = []) => ({
  outcome: 'changed',
  changed: names,
  added,
  bundled,
});
const refused = (...reasons: string[]) => ({ outcome: 'refused', reasons });

describe('functions', () => {
  test('the same source is no change, wherever it stands in the file', async () => {
    const source = `${f('return other(a) + 1;')} static int state; int g(void) { return state++; }`;
    expect(gist(await diff(source, source))).toEqual({ outcome: 'no-change' });
    expect(gist(await diff(source, `/* more */\n\n${source}`))).toEqual({ outcome: 'no-change' });
  });

  test('a new body, a string, and a called symbol are changes', async () => {
    expect(gist(await diff(f('return a + 1;'), f('return a + 2;')))).toEqual(changed(['f']));
    const print = (text: string) => f(`return _printk("${text}", a);`);
    expect(gist(await diff(print('one'), print('two')))).toEqual(changed(['f']));
    expect(gist(await diff(f('return other(a) + 1;'), f('extern int another(int); return another(a) + 1;')))).toEqual(
      changed(['f']),
    );
  });

  test('what was inlined changes the functions it is in', async () => {
    const source = `static inline int h(int a) { return a * K; }
      int f(int a) { return h(a) + other(1); } int g(int a) { return h(a) + 1; } int k(int a) { return a; }`;
    expect(gist(await vary(source))).toEqual(changed(['f', 'g']));
  });

  test('new functions and variables come along, transitively', async () => {
    const after = `static int seen; static noinline int h(int a) { seen += a; return other(seen); }
      ${f('return h(a) + 1;')}`;
    expect(gist(await diff(f('return a;'), after))).toEqual(changed(['f'], ['h', 'seen']));
  });

  test('a numbered clone keeps its twin, and what stays isn’t included', async () => {
    const source = `static noinline int work(int a, int b) { use(&a); return a * b + other(b); }
      int f(int a) { return work(a, 7) + K; } int g(int a) { return work(a, 7) + 1; }`;
    const outcome = await vary(source);
    expect(gist(outcome)).toEqual(changed(['f']));
    if (outcome.outcome === 'changed')
      expect(outcome.references).toContainEqual({ symbol: 'work.constprop.0', definedHere: true });
    expect.hasAssertions();
  });

  test('an unlikely path goes with its function, changed or not', async () => {
    const source = `extern void __attribute__((cold)) rare(const char *);
      int f(int a) { if (a > 9) { rare(COLD); rare("b"); } return other(a) + L; }`;
    expect(
      gist(
        await vary(`#define L K
#define COLD "a"
${source}`),
      ),
    ).toEqual(changed(['f'], [], ['f.cold']));
    expect(
      gist(
        await vary(`#define L 1
#define COLD K == 1 ? "a" : "z"
${source}`),
      ),
    ).toEqual(changed(['f'], [], ['f.cold']));
  });
});

/** As static_cpu_has() has it. */
const cpuHas = (flag: number, k: string) => `extern char flags[];
  static int has(int a) { asm goto("jmp 6f\\n.pushsection .altinstr_aux,\\"ax\\"\\n6: testb $${flag}, flags(%%rip)\\n"
    "jnz %l[yes]\\njmp %l[no]\\n.popsection" : : : : yes, no); yes: return other(a); no: return a; }
  int f(int a) { return has(a) + ${k}; } int g(int a) { return has(a) * 3; }`;

describe('snippets that a function jumps to', () => {
  test('come along with it, and change it', async () => {
    expect(gist(await vary(cpuHas(1, 'K')))).toEqual(changed(['f'], [], ['.altinstr_aux+0']));
    const outcome = await diff(cpuHas(1, '1'), cpuHas(2, '1'));
    expect(gist(outcome)).toEqual(changed(['f', 'g'], [], ['.altinstr_aux+0', '.altinstr_aux+18']));
  });
});

describe('line numbers', () => {
  test.each(['__warn_printk', '_printk'])('in an argument of %s they are no change', async (printer) => {
    const warning = f(`if (a) ${printer}("%s:%d\\n", "small.c", __LINE__); return a;`);
    expect(gist(await diff(warning, `\n\n\n${warning}`))).toEqual({ outcome: 'no-change' });
  });

  test('a number that is printed without a file’s name is a change, and so is one for another function', async () => {
    const number = f(`_printk("%d of %s", 300 + K, "nine"); return a;`);
    expect(gist(await vary(number))).toEqual(changed(['f']));
    const argument = f(`return other(300 + K) + a;`);
    expect(gist(await vary(argument))).toEqual(changed(['f']));
  });
});

describe('variables', () => {
  test('a static variable of a function keeps its state when numbers move', async () => {
    const before = `int f(void) { static int count = 1; return count++; }
      int g(void) { static int count = 2; return count++; }`;
    const after = `int e(void) { static int count = 3; return count++; } ${before.replace('return count++; }', 'return ++count; }')}`;
    const outcome = await diff(before, after);
    expect(gist(outcome)).toEqual(changed(['f'], ['e', 'count.2']));
    if (outcome.outcome !== 'changed') return;
    expect(outcome.references.map(({ symbol }) => symbol)).toContain('count.1');
  });

  test('one that moved to another function might be another: refused', async () => {
    const source = `int FIRST(int a) { static int count = 1; return count += a; } int SECOND(int a) { return a; }`;
    const [before, after] = [
      `#define FIRST f\n#define SECOND g\n${source}`,
      `#define FIRST g\n#define SECOND f\n${source}`,
    ];
    expect(gist(await diff(before, after))).toEqual(refused('static-local-ambiguous count.0'));
  });

  test('new content, size or section is refused, all reasons at once', async () => {
    const before = 'int level = 3; int table[2] = {1, 2}; int __read_mostly mode = 1; int fixed __ro_after_init = 1;';
    const after = 'int level = 4; int table[3] = {1, 2}; int mode __ro_after_init = 1; int fixed __ro_after_init = 1;';
    expect(gist(await diff(before + f('return level;'), after + f('return level + 1;')))).toEqual(
      refused('data-changed level', 'data-size-changed table', 'section-changed mode'),
    );
  });

  test('a constant table that only code uses is copied', async () => {
    const table = `static const int table[2 + K] = {1, 2, 3}; ${f('return table[a];')}`;
    const outcome = await vary(table);
    expect(gist(outcome)).toEqual(changed(['f'], ['table'], []));
    expect(codes(outcome)).toEqual(['constant-copied table']);
  });

  test('names and once-flags are copied', async () => {
    const source = `int f(int a) {
      static _Bool __attribute__((section(".data.once"))) __already_done;
      if (a > K && !__already_done) { __already_done = 1; _printk("%s", __func__); } return a; }`;
    const outcome = await vary(source);
    expect(gist(outcome)).toEqual(changed(['f'], [], ['__func__.0', '__already_done.1']));
  });

  test('a variable is found behind an instruction with an immediate', async () => {
    const source = `static _Bool __read_mostly one, two, three;
      int f(int a) { if (two) return K; two = 1; return other(a); }
      void set(void) { one = 1; use(&one); use(&two); use(&three); }`;
    const outcome = await vary(source);
    expect(gist(outcome)).toEqual(changed(['f']));
    if (outcome.outcome !== 'changed') return;
    const named = outcome.references.filter(({ definedHere }) => definedHere);
    expect(named).toEqual([{ symbol: 'two', definedHere: true }]);
  });
});

describe('what can’t be redirected', () => {
  test('code that ran at boot', async () => {
    const source = `int __init start(int a) { return other(a) + K; }`;
    expect(gist(await vary(source))).toEqual(refused('init-changed start'));
  });

  test('a global function that isn’t traced', async () => {
    const source = `notrace int f(int a) { return a + K; }`;
    expect(gist(await vary(source))).toEqual(refused('no-fentry f'));
  });

  test('a static one’s callers are patched instead', async () => {
    const source = `static notrace noinline int h(int a) { return other(a) + K; }
      int f(int a) { return h(a) + 1; } int g(int a) { return a; }`;
    const outcome = await vary(source);
    expect(gist(outcome)).toEqual(changed(['f'], ['h']));
    expect(codes(outcome)).toEqual(['callers-included h']);
  });

  test('but not when its address is kept', async () => {
    const kept = `static notrace int h(int a) { return other(a) + K; } int (*hook)(int) = h;
      int f(int a) { return h(a) + 1; }`;
    const outcome = gist(await vary(kept));
    expect(outcome).toMatchObject({ outcome: 'refused' });
    expect('reasons' in outcome && outcome.reasons).toContain('no-fentry h');
  });

  test('functions that share a section', async () => {
    const source = `int f(int a) { return other(a) + K; } int g(int a) { return a; }`;
    expect(gist(await vary(source, ['-fno-function-sections']))).toEqual(refused('bundled-sections f'));
  });

  test('tables that the kernel walks once', async () => {
    const before = `static int start(void) { return other(1); } ${entry('call')}`;
    expect(gist(await diff(before, before + entry('again')))).toEqual(refused('registration-changed again'));
  });
});

const exported = (name: string) =>
  `static const char *const export_${name} __attribute__((used, section("___ksymtab_gpl+${name}"))) = "${name}";`;
const entry = (name: string) =>
  `static int (*${name})(void) __attribute__((used, section(".initcall6.init"))) = start;`;

const modinfo = (version: string) =>
  `static const char info[] __attribute__((used, section(".modinfo"), aligned(1))) = "version=${version}";`;

test('what modinfo tells is left, and said so', async () => {
  const outcome = await diff(modinfo('1') + f('return a;'), modinfo('2') + f('return a + 1;'));
  expect(gist(outcome)).toEqual(changed(['f']));
  expect(outcome.notices).toEqual([
    expect.objectContaining({
      code: 'modinfo-dropped',
      reason: 'what modinfo tells stays as it is, without -version=1, +version=2',
    }),
  ]);
});

test('a new export is dropped, and said so', async () => {
  const before = f('return a;') + exported('f');
  const after = `${f('return a + 1;')}int g(int a) { return other(a); } ${exported('f')}${exported('g')}`;
  const outcome = await diff(before, after);
  expect(gist(outcome)).toEqual(changed(['f'], ['g']));
  expect(codes(outcome)).toEqual(['export-dropped g']);
});
