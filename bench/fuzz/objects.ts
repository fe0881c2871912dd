import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const flags = [
  '-std=gnu11 -O2 -ffreestanding -mcmodel=kernel -mno-red-zone -mno-sse -fno-pic -fno-common -fno-stack-protector -gbtf',
  '-fcf-protection=none -fno-asynchronous-unwind-tables -pg -mfentry -mrecord-mcount -ffunction-sections -fdata-sections',
].flatMap((line) => line.split(' '));

/** Something of everything that a kernel's object has: tables about code, static locals, strings, constants, init code. */
const source = (number: number): string => `
struct s { int a; struct { union { long b; char c[8]; }; } in[2]; struct s *next; enum e { A, B } e; unsigned x : 3, y : 5; };
extern int _printk(const char *, ...); extern void __warn_printk(const char *, ...); extern int other(int);
extern char static_key, cpu_number;
static int state; static char buffer[3000]; static const int table[] = { 1, 2, 3, ${number} };
__attribute__((section(".data..read_mostly"))) int tunable = 3;
#define BUG_ENTRY "1: ud2\\n.pushsection __bug_table,\\"aw\\"\\n2: .long 1b - 2b, %c0 - 2b\\n.word ${100 + number}, 0x901\\n.popsection"
#define BRANCH "1: .byte 0x0f,0x1f,0x44,0,0\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 1b - ., %l[yes] - .\\n.quad static_key - .\\n.popsection"
#define ALTERNATIVE "1: nop\\n.pushsection .altinstructions,\\"a\\"\\n.long 1b - ., 2f - .\\n.word 9\\n.byte 1, 1\\n.popsection\\n.pushsection .altinstr_replacement,\\"ax\\"\\n2: stac\\n.popsection"
#define EXTABLE "1: mov (%0), %0\\n2:\\n.pushsection __ex_table,\\"a\\"\\n.balign 4\\n.long 1b - ., 2b - .\\n.long 3\\n.popsection"
static __attribute__((noinline)) int helper(int a) { static int count; asm volatile(EXTABLE : : "r"((long)&state)); return count += a; }
int f(struct s *s) { asm goto(BRANCH : : : : yes); state += helper(s->a); return other(state) + ${number};
yes: _printk("%d of %s", state, "one string"); return table[s->a & 3]; }
int g(int a) { static int count; if (a > tunable) { asm volatile(BUG_ENTRY : : "i"(__FILE__)); __warn_printk("line %d", ${40 + number}); }
  asm volatile(ALTERNATIVE); buffer[a & 1023] = 1; return count++ + f((void *)buffer); }
int (*hook)(int) = helper;
int __attribute__((section(".init.text"))) init_module_(void) { return g(2); }
`;

/** Compiles the object before and after a fix, and one without a section for each function, as it is linked. */
export function makeObjects(folder: string): void {
  for (const [name, number, ...extra] of [
    ['original', 1],
    ['patched', 2],
    ['linked', 1, '-fno-function-sections', '-fno-data-sections'],
  ] as const) {
    writeFileSync(join(folder, 'unit.c'), source(number));
    execFileSync('gcc-12', [...flags, ...extra, '-c', 'unit.c', '-o', `${name}.o`], { cwd: folder });
  }
}

export interface Objects {
  readonly original: Buffer;
  readonly patched: Buffer;
  /** As a module has it. */
  readonly linked: Buffer;
}

export function readObjects(folder: string): Objects {
  const read = (name: string): Buffer => readFileSync(join(folder, `${name}.o`));
  return { original: read('original'), patched: read('patched'), linked: read('linked') };
}
