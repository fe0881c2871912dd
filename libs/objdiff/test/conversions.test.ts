import { diffObjects, emitModule, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';
import { SmallKernel } from './small-kernel.js';

/** One source, of which K is 1 before and 2 after the fix. */
async function vary(source: string, owner = 'vmlinux', objectFile = 'small.o'): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([1, 2].map(async (k) => await compile(`#define K ${k}\n${source}`)));
  if (original === undefined || patched === undefined) throw new Error('nothing compiled');
  return diffObjects({ objectFile, owner, original, patched });
}

function gist(outcome: ObjectDiff) {
  const notices = outcome.notices.map(({ code, symbol }) => `${code} ${symbol}`).sort();
  if (outcome.outcome === 'refused')
    return { refused: outcome.reasons.map(({ code, symbol, reason }) => `${code} ${symbol}: ${reason}`) };
  if (outcome.outcome === 'no-change') return { 'no-change': notices };
  return { changed: outcome.changed, added: outcome.added, notices };
}

/** As SYSCALL_DEFINE makes it where gcc doesn't inline the body: it jumps there. */
const entries = (name: string) =>
  `long __x64_sys_${name}(long *regs) { return __do_sys_${name}(regs[0], regs[1]); }
   long __ia32_sys_${name}(long *regs) { return __do_sys_${name}(regs[2], regs[3]); }\n`;
const body = (name: string, code: string) =>
  `static notrace noinline long __do_sys_${name}(long a, long b) { ${code} }\n`;
const syscall = (name: string, code: string) => body(name, code) + entries(name);

describe('the body of a system call', () => {
  test('is patched through its entries, though they jump to it', async () => {
    expect(gist(await vary(syscall('foo', 'return other(a) + b + K;')))).toEqual({
      changed: ['__x64_sys_foo', '__ia32_sys_foo'],
      added: ['__do_sys_foo'],
      notices: ['syscall-converted __do_sys_foo'],
    });
  });

  test('two of them in one fix are independent: no call gets from one into the other', async () => {
    const two = syscall('foo', 'return other(a) + b + K;') + syscall('bar', 'return other(b) - a * K;');
    expect(gist(await vary(two))).toMatchObject({
      added: ['__do_sys_foo', '__do_sys_bar'],
      notices: ['syscall-converted __do_sys_bar', 'syscall-converted __do_sys_foo'],
    });
  });

  test('a static function that changes with it comes as a copy, so that old calls stay in old code', async () => {
    const source = `static noinline int help(int a) { return other(a) * K; }
      ${syscall('foo', 'return help(a) + help(b) + K;')}`;
    expect(gist(await vary(source))).toEqual({
      changed: ['__x64_sys_foo', '__ia32_sys_foo'],
      added: ['help', '__do_sys_foo'],
      notices: ['callers-included help', 'syscall-converted __do_sys_foo'],
    });
  });

  test('a static one that it can’t get to is redirected as ever', async () => {
    const source = `static noinline int help(int a) { return other(a) * K; }
      long __x64_sys_bar(long *regs) { return help(regs[0]) + 1; }
      ${syscall('foo', 'return other(a) + b + K;')}`;
    expect(gist(await vary(source))).toMatchObject({ changed: ['help', '__x64_sys_foo', '__ia32_sys_foo'] });
  });

  test('refused with a global one that it might get to, which is named', async () => {
    const source = `int seen(int a) { return other(a) * K; } ${syscall('foo', 'return other(a) + b + K;')}`;
    expect(gist(await vary(source))).toEqual({
      refused: [expect.stringMatching(/^old-code-in-flight __do_sys_foo: .*new seen \(seen can't come as a copy: fun/)],
    });
    const kept = `static noinline int seen(int a) { return other(a) * K; } int (*hook)(int) = seen;
      ${syscall('foo', 'return other(a) + b + K;')}`;
    expect(gist(await vary(kept))).toEqual({
      refused: [expect.stringMatching(/^old-code-in-flight __do_sys_foo: .*new seen .*hook holds its address/)],
    });
  });

  test('refused with a redirected function of another object', async () => {
    const foo = await vary(syscall('foo', 'return other(a) + b + K;'), 'vmlinux', 'foo.o');
    const far = await vary('int far(int a) { return other(a) * K; }', 'vmlinux', 'far.o');
    if (foo.outcome !== 'changed' || far.outcome !== 'changed') throw new Error('refused');
    const kernel = new SmallKernel({ __x64_sys_foo: 'T', __ia32_sys_foo: 'T', far: 'T', other: 'T' });
    const emit = (diffs: readonly (typeof foo)[]) =>
      emitModule({ name: 'both', kernel, diffs: diffs.map(({ included }) => included), replace: false });
    expect(emit([foo])).toMatchObject({ outcome: 'emitted' });
    expect(emit([foo, far])).toMatchObject({
      outcome: 'refused',
      reasons: [{ code: 'old-code-in-flight', symbol: '__do_sys_foo', reason: expect.stringContaining('far.o') }],
    });
  });
});

const leaf = (code: string) => `static notrace noinline int low(int a) { ${code} } int f(int a) { return low(a + 1); }`;

const chain = (outer: string) => `static notrace noinline int low(int a) { return other(a) + K; }
  static notrace noinline int middle(int a) { return low(a) * 2; } ${outer}`;

describe('functions that can’t be redirected', () => {
  test('move up over several levels, to each of several callers', async () => {
    const outer = 'int f(int a) { return middle(a) + 1; } int g(int a) { return middle(a) + low(a); }';
    expect(gist(await vary(chain(outer)))).toEqual({
      changed: ['f', 'g'],
      added: ['low', 'middle'],
      notices: ['callers-included low', 'callers-included middle'],
    });
  });

  test('called from an unlikely path, they change the function that it is part of', async () => {
    const source = `extern void __attribute__((cold)) rare(const char *);
      static notrace noinline int low(int a) { return other(a) + K; }
      int f(int a) { if (a > 9) { rare("a"); return low(a) + 2; } return other(a) + 3; }`;
    expect(gist(await vary(source))).toMatchObject({ changed: ['f'], added: ['low'] });
  });

  test('a jump to one that calls nothing is no danger; to one that calls others it is', async () => {
    const outcome = gist(await vary(leaf('static int sum; return sum += a * a * a + K;')));
    expect(outcome).toMatchObject({ changed: ['f'], notices: ['callers-included low'] });
    expect(gist(await vary(leaf('return other(a) + K;')))).toEqual({
      refused: [expect.stringMatching(/^old-code-in-flight low: .*entered from f, has/)],
    });
    // Its entry is guarded after all where the jump is from a function that is itself called by a redirected one.
    expect(gist(await vary(chain('int f(int a) { return middle(a) + 1; }').replace('* 2', '')))).toMatchObject({
      changed: ['f'],
    });
  });

  test('a call through a pointer gets anywhere', async () => {
    const source = `static int (*hook)(int); void set(void *p) { hook = p; }
      static notrace noinline int low(int a) { a += K; return hook(a) + 1; } int f(int a) { return low(a + 1); }`;
    expect(gist(await vary(source))).toEqual({ refused: [expect.stringMatching(/^old-code-in-flight low/)] });
  });

  test('calls at boot don’t matter, but a module’s do', async () => {
    const source = `static notrace noinline int low(int a) { return other(a) + K; }
      int f(int a) { return low(a) + 1; } int __init start(int a) { return low(a) + 2; }`;
    expect(gist(await vary(source))).toMatchObject({ changed: ['f'], added: ['low'] });
    expect(gist(await vary(source, 'm'))).toEqual({
      refused: [expect.stringMatching(/^no-fentry low: .*start in .init/)],
    });
    const only = `static notrace noinline int low(int a) { return other(a) + K; } int __init start(int a) { return low(a) + 2; }`;
    expect(gist(await vary(only))).toEqual({ refused: [expect.stringMatching(/^no-fentry low: .*ran at boot/)] });
  });
});

const inlined = async (inner: string) => {
  const source = `static noinline int deep(int a) { return other(a) * K; }
  static K_INLINE int low(int a) { ${inner} } int f(int a) { return low(a + 1); }`;
  const [original, patched] = await Promise.all([
    compile(`#define K 1\n#define K_INLINE noinline\n${source}`),
    compile(`#define K 2\n#define K_INLINE inline __attribute__((always_inline))\n${source}`),
  ]);
  return diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
};

describe('functions that the fix takes away', () => {
  test('run on unseen where they were jumped to, which is said', async () => {
    expect(gist(await inlined('use(&a); return a;'))).toMatchObject({
      changed: ['f'],
      notices: ['old-code-runs-on low'],
    });
  });

  test('and never get into new code that they call', async () => {
    expect(gist(await inlined('use(&a); return deep(a) + 2;'))).toEqual({
      changed: ['f'],
      added: ['deep'],
      notices: ['callers-included deep', 'old-code-runs-on low'],
    });
  });
});
