import { diffObjects } from '#libs/objdiff';
import fc from 'fast-check';
import { compile } from './compile.js';

const source = (k: number) => `static int state; static noinline int h(int a) { static int count; return count += a; }
  int f(int a) { state += h(a); _printk("%d", state); return other(a) + ${k}; } int (*hook)(int) = h;`;

const diff = (original: Uint8Array, patched: Uint8Array) =>
  diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });

test('a cut off object is refused as such, wherever it is cut', async () => {
  const whole = await compile(source(1));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), (length) => {
      const outcome = diff(whole, whole.slice(0, length));
      expect(outcome.outcome === 'refused' && outcome.reasons.map(({ code }) => code)).toEqual(['not-an-object']);
    }),
    { numRuns: 300 },
  );
});

test('a damaged object has an outcome, never a crash or a hang', async () => {
  const [before, after] = await Promise.all([compile(source(1)), compile(source(2))]);
  const damage = fc.array(fc.tuple(fc.nat(after.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const damaged = after.slice();
      for (const [at, value] of changes) damaged[at] = value;
      expect(['no-change', 'refused', 'changed']).toContain(diff(before, damaged).outcome);
      expect(diff(damaged, damaged).outcome).not.toBe('changed');
    }),
    { numRuns: 500 },
  );
});
