import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf } from '#libs/elf';
import { AddressSpace, Btf, KernelProfile, type ProfileData } from '#libs/kernelimage';
import { matchAgainst, matchRunPre } from './match.js';
import { runningModule } from './running.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-runpre-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

/** Compiles as the vendor does (one .text), or as we do (a section for each function). */
function compile(name: string, source: string, ours: boolean): string {
  writeFileSync(at(`${name}.c`), source);
  const out = at(`${name}${ours ? '.ours' : ''}.o`);
  const split = ours ? ['-ffunction-sections', '-fdata-sections'] : [];
  const flags = [
    '-O2',
    '-fno-pic',
    '-mcmodel=kernel',
    '-mno-red-zone',
    '-fcf-protection=none',
    '-fno-asynchronous-unwind-tables',
  ];
  execFileSync('gcc-12', [...flags, ...split, '-c', '-o', out, at(`${name}.c`)]);
  return out;
}

const common = '__attribute__((noinline)) static int helper(int x) { return x * 3 + limit; }\n';
/** Two objects have an equal `show`, which only a table of theirs refers to. */
const table = (number: number): string => `__attribute__((weak)) int hook(int x) { return x + ${number}; }
static int show(int x) { return x * 5; }
static int (*const ops${number}[])(int) = { show, hook };
static const int limits${number}[] = { ${number}, 20, 30 };
int pick${number}(int i) { return ops${number}[i](limits${number}[i]); }\n`;
const first = `static volatile int limit = 1;\n${common}int outside(int);\nint elsewhere(int);\nconst char *text(void) { return "first"; }
int first(int x) { return helper(x) + helper(x + 1) + outside(x); }
int tail(int x) { return outside(x + 7); }\n`;
const second = `static volatile int limit = 2;\n${common}int second(int x) { return helper(x) - helper(x * 2); }\n`;
const third = 'int outside(int x) { return x ^ 5; }\nint elsewhere(int x) { return x ^ 6; }\n';

/** A kernel of three objects, linked as vmlinux is, with its kallsyms as nm sees them. */
function kernelOf(): KernelProfile {
  const sources = { first, second, third, table1: table(1), table2: table(2), hook: 'int hook(int x) { return -x; }' };
  const objects = Object.entries(sources).map(([name, source]) => compile(name, source, false));
  execFileSync('ld', [
    '-Ttext=0xffffffff81000000',
    '-Tdata=0xffffffff82000000',
    '--no-warn-rwx-segments',
    '-e',
    '0',
    '-o',
    at('vmlinux'),
    ...objects,
  ]);
  const symbols = execFileSync('nm', ['-n', at('vmlinux')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => ({ address: BigInt(`0x${line.slice(0, 16)}`), type: line.slice(17, 18), name: line.slice(19) }));
  const btf = Buffer.alloc(24);
  btf.writeUInt16LE(0xeb9f);
  btf.writeUInt32LE(24, 4);
  const data = { release: 'x', modules: {} } as ProfileData;
  return new KernelProfile(folder, data, symbols, new Map(), Btf.parse(btf));
}

const kernel = kernelOf();
const match = (name: string, source: string): ReturnType<typeof matchRunPre> =>
  matchRunPre(kernel, {
    objectFile: `${name}.o`,
    owner: 'vmlinux',
    bytes: readFileSync(compile(name, source, true)),
  });

describe('matchRunPre', () => {
  test('matches what was linked into the kernel, jumps shortened by the assembler included', () => {
    expect(match('first', first)).toMatchObject({ checked: 4, matched: 4, mismatches: [] });
    expect(match('third', third)).toMatchObject({ checked: 2, matched: 2, mismatches: [] });
  });

  test('tells equal names apart, by what they refer to and by where they lie', () => {
    expect(kernel.symbols('helper')).toHaveLength(2);
    expect([match('first', first).sympos('helper'), match('second', second).sympos('helper')]).toEqual([1, 2]);
    expect([match('first', first).sympos('limit'), match('second', second).sympos('limit')]).toEqual([1, 2]);
    expect(match('first', first).sympos('first')).toBe(1);
    expect(match('first', first).sympos('nobody')).toBeUndefined();
  });

  test.each([
    ['another constant', first.replace('x + 7', 'x + 9'), 'tail', 'code-differs'],
    ['another callee', first.replace('outside(x + 7)', 'elsewhere(x + 7)'), 'tail', 'reference-differs'],
    ['a function that the kernel lacks', `${first}int more(void) { return 1; }\n`, 'more', 'not-in-kernel'],
  ])('finds %s', (_what, source, symbol, code) => {
    const found = match('first', source);
    expect(found.mismatches).toEqual([expect.objectContaining({ symbol, code })]);
    expect(found.matched).toBe(found.checked - 1);
  });

  test('tells equal functions apart by the tables that point to them', () => {
    expect(kernel.symbols('show')).toHaveLength(2);
    expect([match('table1', table(1)).sympos('show'), match('table2', table(2)).sympos('show')]).toEqual([1, 2]);
  });

  test('compares constants with those in the image', () => {
    const found = match('table1', table(1).replace('20, 30', '20, 40'));
    expect(found.mismatches).toContainEqual(
      expect.objectContaining({
        symbol: 'limits1',
        code: 'data-differs',
        reason: 'at +0x8 of 0xc bytes: compiled 28000000, shipped 1e000000',
      }),
    );
  });

  test('knows a weak function that gave way', () => {
    expect(match('table1', table(1)).mismatches).toEqual([
      expect.objectContaining({ symbol: 'hook', code: 'overridden' }),
    ]);
  });

  test('finds a module that the vendor does not ship', () => {
    const bytes = readFileSync(compile('first', first, true));
    const found = matchRunPre(kernel, { objectFile: 'first.o', owner: 'nomodule', bytes });
    expect(found.mismatches).toEqual([expect.objectContaining({ symbol: 'nomodule', code: 'not-in-kernel' })]);
  });
});

test('matches a module as shipped: relocatable, several objects in one', () => {
  execFileSync('ld', ['-r', '-o', at('both.ko'), compile('first', first, false), compile('second', second, false)]);
  const running = runningModule(readElf(readFileSync(at('both.ko'))));
  const original = matchAgainst(readFileSync(compile('second', second, true)), running);
  expect(original).toMatchObject({ checked: 2, matched: 2, mismatches: [] });
  expect(original.sympos('helper')).toBe(2);
  const changed = matchAgainst(readFileSync(compile('second', second.replace('x * 2', 'x * 4'), true)), running);
  expect(changed.mismatches).toEqual([
    expect.objectContaining({ symbol: 'second', code: 'code-differs' }),
    // Two equal helpers, and the only function that says which of them is ours isn't found.
    expect.objectContaining({ symbol: 'helper', code: 'ambiguous' }),
  ]);
});

test('an address space ends where its sections end', () => {
  const space = new AddressSpace(readElf(readFileSync(at('vmlinux'))));
  expect(space.bytesAt(0xffffffff81000000n, 4)).toHaveLength(4);
  expect(space.bytesAt(0xffffffff81000000n, 1 << 20)).toBeUndefined();
  expect(space.bytesAt(0n, 1)).toBeUndefined();
});
