import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The flags of a kernel's object that matter here; includes and warnings left out. */
const flags = [
  '-std=gnu11 -O2 -ffreestanding -fno-strict-aliasing -mcmodel=kernel -mno-red-zone -mno-sse -fno-pic -fno-jump-tables',
  '-fcf-protection=none -fno-asynchronous-unwind-tables -fno-common -fno-stack-protector',
  '-pg -mfentry -mrecord-mcount -ffunction-sections -fdata-sections -falign-functions=16',
].flatMap((line) => line.split(' '));

/** clang can't list calls of `__fentry__` itself: in a kernel's build objtool does. */
const flagsOfClang = flags.filter((flag) => flag !== '-mrecord-mcount');

/** What the small sources have of the kernel's headers. */
const prelude = `
#define notrace __attribute__((no_instrument_function))
#define noinline __attribute__((noinline))
#define __init __attribute__((section(".init.text")))
#define __read_mostly __attribute__((section(".data..read_mostly")))
#define __ro_after_init __attribute__((section(".data..ro_after_init")))
extern int _printk(const char *format, ...);
extern void __warn_printk(const char *format, ...);
extern int other(int value);
extern void use(const void *);
`;

/** Compiles a small C source as the kernel does; `#line 1` makes its lines its own. */
export async function compile(source: string, extra: readonly string[] = [], compiler = 'gcc-12'): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'objdiff-'));
  try {
    await writeFile(join(folder, 'small.c'), `${prelude}\n#line 1 "small.c"\n${source}`);
    await run(
      compiler,
      [...(compiler === 'gcc-12' ? flags : flagsOfClang), ...extra, '-c', 'small.c', '-o', 'small.o'],
      { cwd: folder },
    );
    return await readFile(join(folder, 'small.o'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What `readelf` prints of some bytes, and what it complains about. */
export async function readelf(bytes: Uint8Array, ...options: string[]): Promise<{ out: string; warnings: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'objdiff-'));
  try {
    const file = join(folder, 'file.o');
    await writeFile(file, bytes);
    const { stdout, stderr } = await run('readelf', [...options, file], { maxBuffer: 1 << 26 });
    return { out: stdout, warnings: stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
