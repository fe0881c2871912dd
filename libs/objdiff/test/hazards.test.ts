import { diffObjects } from '#libs/objdiff';
import { compile } from './compile.js';

/** Notices of a fix that changes one source, of which K is 1 before and 2 after it. */
async function notices(source: string): Promise<readonly string[]> {
  const prelude = `extern void schedule(void); extern long schedule_timeout(long); extern _Bool kthread_should_stop(void);
    extern void *kthread_create_on_node(int (*main)(void *), void *, int, const char *, ...);
    extern void mutex_lock(void *); extern void mutex_unlock(void *);\n`;
  const [original, patched] = await Promise.all(
    [1, 2].map(async (k) => await compile(`#define K ${k}\n${prelude}${source}`)),
  );
  if (original === undefined || patched === undefined) throw new Error('nothing compiled');
  const outcome = diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
  expect(outcome.outcome).toBe('changed');
  return outcome.notices.map(({ code, symbol, reason }) => `${code} ${symbol}: ${reason}`);
}

const loop = 'static int loop(void *p) { while (!kthread_should_stop()) { use(p); schedule(); other(K); } return 0; }';

test('a thread’s function stays on the stack: said where the file starts the thread', async () => {
  expect(await notices(`${loop} void *start(void) { return kthread_create_on_node(loop, 0, -1, "it"); }`)).toEqual([
    expect.stringMatching(/^thread-function-changed loop: start starts a kernel thread with it/),
  ]);
});

const wait = (k: string) =>
  `int f(int a) { schedule_timeout(a); return other(a) + 1; } int g(int a) { return a * ${k}; }`;

test('a function that only waits is said to, and one that doesn’t isn’t', async () => {
  expect(await notices(wait('3').replace('+ 1', '+ K'))).toEqual([
    expect.stringMatching(/^waits-inside f: it calls schedule_timeout:/),
  ]);
  expect(await notices(wait('K'))).toEqual([]);
});

describe('locks', () => {
  const locked = 'mutex_lock(&lock); other(a); mutex_unlock(&lock);';
  const source = (body: string) =>
    `static int lock; int f(int a) { ${body} return a; } int g(int a) { ${locked} return a; }`;

  test('that only new code or only old code takes', async () => {
    expect(await notices(source(`if (K == 2) { ${locked} } else other(a);`))).toEqual([
      expect.stringMatching(/^locking-changed f: only the new code calls mutex_lock:/),
    ]);
    expect(await notices(source(`if (K == 1) { ${locked} } else other(a);`))).toEqual([
      expect.stringMatching(/^locking-changed f: only the old code calls mutex_lock:/),
    ]);
  });

  test('that both take are no matter, in whichever function they end up', async () => {
    expect(await notices(source(`${locked} other(K);`))).toEqual([]);
    const moved = `static int lock; static noinline void h(int a) { if (K == 2) { ${locked} } else other(a); }
      int f(int a) { h(a); if (K == 1) { ${locked} } return a + K; }`;
    expect(await notices(moved)).toEqual([]);
  });
});
