import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf, sectionNamed } from '#libs/elf';
import { Btf, KernelProfile } from '#libs/kernelimage';
import { smallProfileData } from '../small-profile.fixture.js';
import type { BuiltObject } from '../outcome.js';
import { checkTypes } from './check.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function compile(name: string, source: string): Buffer {
  writeFileSync(join(folder, `${name}.c`), source);
  const flags = ['-gbtf', '-O2', '-fno-pic', '-mcmodel=kernel', '-ffunction-sections', '-c'];
  execFileSync('gcc-12', [...flags, '-o', join(folder, `${name}.o`), join(folder, `${name}.c`)]);
  return readFileSync(join(folder, `${name}.o`));
}

const f = 'int f(int a) { return a * 3; }';
const inFile = `__attribute__((noipa)) ${f} int g(int a) { return f(a) + 1; }`;

/** A kernel of two objects, linked for real, and a module of two. */
function kernel(elsewhere: string): KernelProfile {
  compile('near', inFile);
  compile('far', elsewhere);
  const objects = [join(folder, 'near.o'), join(folder, 'far.o')];
  const vmlinux = join(folder, 'vmlinux');
  execFileSync('ld', ['-e', '0', '-Ttext', '0xffffffff81000000', '-o', vmlinux, ...objects]);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  execFileSync('ld', ['-r', '-o', join(folder, 'modules/m.ko'), ...objects]);
  const symbols = execFileSync('nm', ['-n', vmlinux], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [address = '', type = '', name = ''] = line.split(' ');
      return { address: BigInt(`0x${address}`), type, name };
    });
  const section = sectionNamed(readElf(readFileSync(join(folder, 'near.o'))), '.BTF');
  const data = smallProfileData({ modules: { m: 'm.ko' } });
  const exports = new Map([['shown', { name: 'shown', crc: 1, owner: 'vmlinux', kind: 'EXPORT_SYMBOL' as const }]]);
  return new KernelProfile(folder, data, symbols, exports, Btf.parse(Buffer.from(section?.data ?? [])));
}

function said(profile: KernelProfile, before: string, after: string, owner = 'vmlinux'): readonly string[] {
  const object: BuiltObject = {
    path: 'near.o',
    owner,
    original: compile('before', before),
    patched: compile('after', after),
  };
  return checkTypes(profile, [object]).reasons.map(({ code, symbol, reason }) => `${code} ${symbol}: ${reason}`);
}

const wider = inFile.replaceAll('int f(int a)', 'long f(long a)');
const caller = 'int f(int a); int h(int a) { return f(a) * 5; }';

const shown = (type: string): string => `${type} shown(${type} a) { return a; }`;

describe('a function that is called in another way', () => {
  test('may be, where only its own file calls it', () => {
    expect(said(kernel('int h(int a) { return a; }'), inFile, wider)).toEqual([]);
  });

  test('may not be, where code calls it that isn’t compiled anew: in the kernel, or in the module', () => {
    const profile = kernel(caller);
    const refusal = [expect.stringMatching(/^prototype-changed f: .* h call it in the old way$/)];
    expect(said(profile, inFile, wider)).toEqual(refusal);
    expect(said(profile, inFile, wider, 'm')).toEqual(refusal);
  });

  test('may not be, where it is exported', () => {
    expect(said(kernel(caller), shown('int'), shown('long'))).toEqual([
      expect.stringMatching(/^prototype-changed shown: .*exported/),
    ]);
  });
});

test('a structure that is changed in several objects is told of once', () => {
  const [original, patched] = [compile('s1', 'struct s { int a; } it;'), compile('s2', 'struct s { long a; } it;')];
  const object = (path: string): BuiltObject => ({ path, owner: 'm', original, patched });
  expect(checkTypes(kernel(caller), [object('a.o'), object('b.o')]).reasons).toEqual([
    expect.objectContaining({ code: 'layout-changed', symbol: 'struct s', object: 'a.o' }),
  ]);
});
