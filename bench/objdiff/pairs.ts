import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An object before and after a fix. */
export interface Pair {
  readonly name: string;
  readonly original: string;
  readonly patched: string;
}

/** All `NAME.ORIG.o` of a folder that have a `NAME.PATCHED.o`. */
export function pairsIn(folder: string): Pair[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ORIG.o'))
    .sort()
    .map((file) => file.slice(0, -'.ORIG.o'.length))
    .map((name) => ({
      name,
      original: join(folder, `${name}.ORIG.o`),
      patched: join(folder, `${name}.PATCHED.o`),
    }))
    .filter(({ patched }) => existsSync(patched));
}

/** As the kernel is compiled, as far as it matters to an object's form. */
const flags = [
  '-std=gnu11 -O2 -ffreestanding -mcmodel=kernel -mno-red-zone -mno-sse -fno-pic -fno-common -fno-stack-protector',
  '-fcf-protection=none -fno-asynchronous-unwind-tables -pg -mfentry -mrecord-mcount -ffunction-sections -fdata-sections',
].flatMap((line) => line.split(' '));

/** Compiles pairs of a small, a middling and a large file, in each of which one function changes. */
export function compilePairs(folder: string): Pair[] {
  return [10, 200, 2000].map((functions) => {
    const name = `${functions}-functions`;
    for (const [suffix, number] of [
      ['ORIG', 1],
      ['PATCHED', 2],
    ] as const) {
      const source = join(folder, `${name}.c`);
      writeFileSync(source, sourceOf(functions, number));
      const made = spawnSync('gcc-12', [...flags, '-c', source, '-o', join(folder, `${name}.${suffix}.o`)]);
      if (made.status !== 0) throw new TypeError(`gcc-12 can't compile ${source}: ${made.stderr?.toString() ?? ''}`);
    }
    return { name, original: join(folder, `${name}.ORIG.o`), patched: join(folder, `${name}.PATCHED.o`) };
  });
}

function sourceOf(functions: number, number: number): string {
  const bodies = Array.from({ length: functions }, (_, index) => {
    const next = index === 0 ? 'other' : `work_${index - 1}`;
    const change = index === functions >> 1 ? number : 1;
    return `static int state_${index} = ${index}; __attribute__((noinline)) int work_${index}(int a) {
      static int count; count += a; if (a > ${index}) { _printk("work %d of ${index}\\n", count); return ${next}(a) + ${change}; }
      state_${index} = a; return other(state_${index}) * 3; }`;
  });
  return `extern int _printk(const char *, ...); extern int other(int);\n${bodies.join('\n')}\n`;
}
