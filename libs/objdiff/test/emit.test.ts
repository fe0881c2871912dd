import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readElf, readNotes, sectionNamed } from '#libs/elf';
import { diffObjects, emitModule, type EmitOutcome, type KernelView, type Selection } from '#libs/objdiff';
import { compile, readelf } from './compile.js';
import { SmallKernel } from './small-kernel.js';

/** One source, of which K is 1 before and 2 after the fix. */
async function vary(source: string, owner?: string): Promise<Selection> {
  return await select(`#define K 1\n${source}`, `#define K 2\n${source}`, owner);
}

async function select(before: string, after: string, owner = 'vmlinux', objectFile = 'small.o'): Promise<Selection> {
  const [original, patched] = await Promise.all([compile(before), compile(after)]);
  const diff = diffObjects({ objectFile, owner, original, patched });
  if (diff.outcome !== 'changed') throw new Error(`${diff.outcome}: ${JSON.stringify(diff)}`);
  return diff.included;
}

const emit = (kernel: KernelView, ...diffs: Selection[]) =>
  emitModule({ name: 'small_fix', kernel, diffs, replace: false });

function bytesOf(outcome: EmitOutcome): Uint8Array {
  if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.bytes;
}

const codesOf = (outcome: EmitOutcome) =>
  outcome.outcome === 'refused' ? outcome.reasons.map(({ code, symbol }) => `${code} ${symbol ?? ''}`) : [];

/** `offset type symbol addend` of one relocation section, as readelf has them. */
async function relocations(bytes: Uint8Array, section: string): Promise<string[]> {
  const { out } = await readelf(bytes, '-rW');
  const lines = out
    .slice(out.indexOf(`'${section}'`))
    .split('\n')
    .slice(2);
  const end = lines.findIndex((line) => line.trim() === '');
  return lines
    .slice(0, end < 0 ? undefined : end)
    .map((line) => /^\w+\s+\w+\s+R_X86_64_(\w+)\s+\w+\s+(.*)$/.exec(line))
    .map((found) => `${found?.[1]} ${found?.[2]}`);
}

const h = `static noinline int h(int a) { use(&a); return other(a) + K; }`;
const state = 'static int state; void keep(void) { use(&state); }';

describe('a module', () => {
  const source = `${state} int f(int a) { state += a; _printk("f %d", a); return other(a) + K; }`;
  const kernel = new SmallKernel({ f: 'T', other: 'T', state: 'b' }, ['_printk']);

  test('is what readelf and modinfo read without complaint', async () => {
    const bytes = bytesOf(emit(kernel, await vary(source)));
    const { out, warnings } = await readelf(bytes, '-aW');
    expect(warnings).toBe('');
    expect(out).toMatch(/\.gnu\.linkonce\.this_module PROGBITS\s+0+ \w+ 000380 00\s+WA\s+0\s+0 64/);
    expect(out).toMatch(/\.klp\.rela\.vmlinux\.\.text RELA .* AIo/);
    expect(out).toMatch(/NT_GNU_BUILD_ID/);
    const folder = await mkdtemp(join(tmpdir(), 'objdiff-'));
    await writeFile(join(folder, 'small_fix.ko'), bytes);
    const { stdout } = await promisify(execFile)('/usr/sbin/modinfo', [join(folder, 'small_fix.ko')]);
    await rm(folder, { recursive: true });
    for (const line of ['license: +GPL', 'livepatch: +Y', 'name: +small_fix', 'vermagic: +6.1.0-small SMP'])
      expect(stdout).toMatch(new RegExp(`^${line}`, 'm'));
  });

  test('imports what is exported, and finds the rest by livepatch symbols', async () => {
    const bytes = bytesOf(emit(kernel, await vary(source)));
    expect(await relocations(bytes, '.rela.text')).toEqual([
      'PLT32 __fentry__ - 4',
      '32S .rodata.str1.1 + 0',
      'PLT32 _printk - 4',
    ]);
    expect(await relocations(bytes, '.klp.rela.vmlinux..text')).toEqual([
      'PC32 .klp.sym.vmlinux.state,0 - 4',
      'PLT32 .klp.sym.vmlinux.other,0 - 4',
    ]);
  });

  test('has the same bytes each time', async () => {
    const [first, second] = [await vary(source), await vary(source)];
    expect(Buffer.compare(bytesOf(emit(kernel, first)), bytesOf(emit(kernel, second)))).toBe(0);
  });

  test('says what it is in a note, which stays in memory', async () => {
    const diffs = [await vary(source)];
    const outcome = emitModule({ name: 'small_fix', id: 'fix:1/a', kernel, diffs, replace: false });
    const section = sectionNamed(readElf(bytesOf(outcome)), '.note.splicecast');
    const description = Buffer.from(`id=fix:1/a\nkernel=${kernel.buildId}\n`);
    expect(readNotes(section?.data ?? new Uint8Array())).toEqual([
      { owner: 'splicecast', type: 1, description: new Uint8Array(description) },
    ]);
    for (const id of ['', 'a\nkernel=b', 'x'.repeat(201)])
      expect(codesOf(emitModule({ name: 'small_fix', id, kernel, diffs, replace: false }))).toEqual([
        `module-name ${id}`,
      ]);
  });

  test('calls new code, but points to the original, which outlives the patch', async () => {
    const code = `${h} int f(int a) { use(h); return h(a) + K; }`;
    const known = new SmallKernel({ f: 'T', h: 't', use: 'T', other: 'T' });
    const bytes = bytesOf(emit(known, await vary(code)));
    expect(await relocations(bytes, '.klp.rela.vmlinux..text')).toContain('32S .klp.sym.vmlinux.h,0 + 0');
    expect(await relocations(bytes, '.rela.text')).toContain('PC32 h - 4');
  });

  test('can’t be unloaded where the kernel may keep the address of new code', async () => {
    const before = 'int f(int a) { return a; }';
    const known = new SmallKernel({ f: 'T', use: 'T', other: 'T' });
    const exitOf = async (after: string) => {
      const outcome = emit(known, await select(before, after));
      const { out } = await readelf(bytesOf(outcome), '-sW');
      const staysLoaded = Buffer.from(bytesOf(outcome)).includes('\0stays_loaded=Y\0');
      return { hasExit: / cleanup_module$/m.test(out), staysLoaded };
    };
    const fresh = 'static noinline int fresh(int a) { return other(a) + 1; }';
    expect(await exitOf(`${fresh} int f(int a) { return fresh(a); }`)).toEqual({ hasExit: true, staysLoaded: false });
    expect(await exitOf(`${fresh} int f(int a) { use(fresh); return a; }`)).toEqual({
      hasExit: false,
      staysLoaded: true,
    });
  });

  test('hides new functions from kallsyms, so that the range of a replacing one covers them', async () => {
    const after = `#define K 2\n${h} int f(int a) { return h(a) + 1; }`;
    const known = new SmallKernel({ f: 'T', use: 'T', other: 'T' });
    const bytes = bytesOf(emit(known, await select('int f(int a) { return a; }', after)));
    const { out } = await readelf(bytes, '-sW');
    const functions = [...out.matchAll(/FUNC\s+\w+\s+DEFAULT\s+1 (\S+)/g)].map(([, name]) => name);
    expect(functions).toEqual(['f', '.Lh']);
  });

  test('joins several objects: one’s new global function serves the other', async () => {
    const [one, two] = [
      await select('int f(int a) { return a; }', 'extern int fresh(int); int f(int a) { return fresh(a) + 1; }'),
      await select(
        'int g(int a) { return a; }',
        'int g(int a) { return a + 1; } int fresh(int a) { return other(a); }',
        'vmlinux',
        'b.o',
      ),
    ];
    const known = new SmallKernel({ f: 'T', g: 'T', other: 'T' });
    expect(codesOf(emit(known, one))).toEqual(['symbol-not-found fresh']);
    const outcome = emit(known, one, two);
    expect(await relocations(bytesOf(outcome), '.rela.text')).toContain('PLT32 .Lfresh - 4');
    expect(outcome.outcome === 'emitted' && outcome.functions.map(({ symbol }) => symbol)).toEqual(['f', 'g']);
  });
});

/** One instruction, and an entry for it in a table. */
const table = (section: string, code: number, rest: string) =>
  `asm volatile("${code}: nop\\n.pushsection ${section},\\"aw\\"\\n.long ${code}b - .\\n${rest}\\n.popsection");`;

describe('special sections', () => {
  const source = `
    int g(int a) { ${table('__bug_table', 1, '.long 0\\n.word 7\\n.word 0').replace('.long 0', '.long name - .')} return a; }
    int f(int a) {
      ${table('__ex_table', 2, '.long 2b - .\\n.long 3')}
      asm volatile("3: .nops 5\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 3b - ., 3b - .\\n.quad key + 2 - .\\n.popsection");
      asm volatile("4: .nops 5\\n.pushsection .altinstructions,\\"a\\"\\n.long 4b - ., 5f - .\\n.word 1\\n.byte 5, 5\\n.popsection\\n"
        ".pushsection .altinstr_replacement,\\"ax\\"\\n5: call other\\n.popsection");
      return other(a) + K; }
    const char name[] = "small.c";`;
  const known = new SmallKernel({ f: 'T', other: 'T', key: 'D' });

  test('keep the entries of included code, and no others', async () => {
    const bytes = bytesOf(emit(known, await vary(source)));
    const exceptions = await relocations(bytes, '.rela__ex_table');
    expect(exceptions).toEqual([expect.stringMatching(/^PC32 f \+ \w+$/), exceptions[0]]);
    expect((await relocations(bytes, '.rela.altinstructions'))[1]).toBe('PC32 .altinstr_replacement + 0');
    expect(await relocations(bytes, '.klp.rela.vmlinux..altinstr_replacement')).toEqual([
      'PLT32 .klp.sym.vmlinux.other,0 - 4',
    ]);
    expect(await relocations(bytes, '.klp.rela.vmlinux.__jump_table')).toEqual(['PC64 .klp.sym.vmlinux.key,0 + 2']);
    const { out } = await readelf(bytes, '-SW');
    expect(out).not.toContain('__bug_table');
  });

  test('of a module can’t refer to what may come later', async () => {
    const modules = { small: { f: 'T', other: 'T', key: 'D', g: 'T' } };
    const outcome = emit(new SmallKernel({}, [], modules), await vary(source, 'small'));
    expect(codesOf(outcome).sort()).toEqual(['klp-relocation f']);
  });

  test('whose relocations fit no known form are refused', async () => {
    const odd = `int f(int a) { ${table('__ex_table', 1, '.long 0, 1b - .')} return a + K; }`;
    const [original, patched] = await Promise.all([compile(odd, ['-DK=1']), compile(odd, ['-DK=2'])]);
    const diff = diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
    expect(diff.outcome === 'refused' && diff.reasons.map(({ code }) => code)).toEqual(['special-section']);
  });
});

const posOf = (outcome: EmitOutcome, name: string) =>
  outcome.outcome === 'emitted' && outcome.functions.find(({ symbol }) => symbol === name)?.sympos;

describe('symbols', () => {
  const source = `${h} ${state} int f(int a) { return h(a); } int g(int a) { state = a; return a + K; }`;
  const all = { f: 'T', g: 'T', h: 't', use: 'T', other: 'T', state: 'b' };

  test('of equal names are told apart by who is static, else by run-pre matching, else refused', async () => {
    const selection = await vary(source);
    expect(posOf(emit(new SmallKernel(all), selection), 'h')).toBe(0);
    expect(posOf(emit(new SmallKernel({ ...all, h: 'Tt' }), selection), 'h')).toBe(2);
    expect(posOf(emit(new SmallKernel({ ...all, h: 'tt' }, [], {}, { 'small.o h': 2 }), selection), 'h')).toBe(2);
    const refused = emit(new SmallKernel({ ...all, h: 'tt', state: 'bb' }), selection);
    expect(codesOf(refused)).toEqual(['symbol-ambiguous state', 'symbol-ambiguous h']);
  });

  test('that the kernel doesn’t have, and what else is wrong, are refused together', async () => {
    const selection = await vary(source);
    const kernel = new SmallKernel({ ...all, h: 'T', state: '' }, [], {}, {}, true);
    const outcome = emitModule({ name: 'Bad-Name', kernel, diffs: [selection], replace: true });
    expect(new Set(codesOf(outcome).map((code) => code.split(' ')[0]))).toEqual(
      new Set(['module-name', 'symbol-not-found', 'kernel-layout']),
    );
    expect(codesOf(emit(new SmallKernel(all)))).toEqual(['nothing-to-emit ']);
  });

  test('of a module are its own first, and wait for it', async () => {
    const selection = await vary(source, 'small');
    expect(codesOf(emit(new SmallKernel(all), selection))).toContain('module-symbols-unknown h');
    const kernel = new SmallKernel({}, ['use'], { small: { ...all, use: '' } });
    const bytes = bytesOf(emit(kernel, selection));
    expect(await relocations(bytes, '.klp.rela.small..text')).toEqual([
      'PLT32 .klp.sym.small.other,0 - 4',
      'PC32 .klp.sym.small.state,0 - 4',
    ]);
    expect(await relocations(bytes, '.rela.text')).toContain('PLT32 use - 4');
  });

  test('of a module are told to stand in the way of loading it again', async () => {
    const outcome = emit(new SmallKernel({}, ['use'], { small: { ...all, use: '' } }), await vary(source, 'small'));
    expect(outcome.outcome === 'emitted' && outcome.notices.map(({ code, symbol }) => [code, symbol])).toEqual([
      ['module-reload', 'small'],
    ]);
  });

  test('that are weak must have won against strong ones', async () => {
    const selection = await vary('__attribute__((weak)) int f(int a) { return other(a) + K; }');
    expect(codesOf(emit(new SmallKernel({ f: 'T', other: 'T' }), selection))).toEqual(['symbol-not-found f']);
    expect(emit(new SmallKernel({ f: 'W', other: 'T' }), selection).outcome).toBe('emitted');
  });
});
