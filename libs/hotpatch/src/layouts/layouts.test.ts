import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf, sectionNamed } from '#libs/elf';
import { Btf } from '#libs/kernelimage';
import { compareTypes } from './compare.js';
import { unlikeRunning } from './running.js';
import { type ObjectTypes, typesOf } from './types.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-layout-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function objectOf(source: string, types = '-gbtf'): Buffer {
  const base = join(folder, String((count += 1)));
  writeFileSync(`${base}.c`, source);
  execFileSync('gcc-12', [types, '-O1', '-c', '-o', `${base}.o`, `${base}.c`]);
  return readFileSync(`${base}.o`);
}

function typesIn(source: string): ObjectTypes {
  const types = typesOf(objectOf(source));
  if (types === undefined) throw new Error('no types');
  return types;
}

/** `code symbol: reason` of all that a change of source says. */
function said(before: string, after: string): readonly string[] {
  const { reasons, notices } = compareTypes('a.o', typesIn(before), typesIn(after));
  return [...reasons, ...notices].map(({ code, symbol, reason }) => `${code} ${symbol}: ${reason}`);
}

const renamed = (reason: string): string[] => [`layout-renamed struct s: ${reason}`];

const broken = (reason: string): string[] => [`layout-changed struct s: ${reason}`];

describe('a structure', () => {
  const before = 'struct s { int a; union { long b; char c; }; char d; } it;';
  test.each([
    ['that stays', before, []],
    [
      'with a number where a pointer is now',
      before.replace('long b', 'void *b'),
      broken('its member b becomes another type'),
    ],
    ['with another sign', before.replace('long b', 'unsigned long b'), []],
    ['with a new member in a hole', before.replace('char d;', 'char d, e;'), broken('it gets a member e')],
    ['that grows', before.replace('char d;', 'char d; long e;'), broken('its size changes from 24 to 32 bytes')],
    [
      'whose members change places',
      'struct s { char d; union { long b; char c; }; int a; } it;',
      broken('its member a moves'),
    ],
    ['that loses a member', before.replace('char c;', ''), broken('its member c goes away')],
    ['with a member by another name', before.replace('char d', 'char e'), renamed('its member d is now called e')],
    [
      'with a number that got a structure around it',
      before.replace('int a', 'struct { int counter; } a'),
      renamed('its member a becomes another type of the same form'),
    ],
  ])('%s', (_what, after, expected) => expect(said(before, after)).toEqual(expected));

  test.each([
    ['in another', 'struct s { struct { int x, y; } in[2]; } it;', 'int x, y', 'short x; int y'],
    ['behind a typedef', 'typedef struct { int x, y; } t; struct s { t *p; } it; t *q;', 'int x, y', 'int y, x'],
    [
      'of a variable alone',
      'static struct { int x, y; } it; int f(void) { return it.x++; }',
      'int x, y',
      'int y; short x',
    ],
    ['with bit fields', 'struct s { int x : 3, y : 5; } it;', 'x : 3, y : 5', 'x : 4, y : 4'],
    ['with calls', 'struct s { int (*f)(int); } it;', '(int)', '(int, int)'],
    ['in a union', 'union u { struct { int x, y; } a; long b; } it;', 'int x, y', 'int y, x'],
  ])('without a name, or a part: %s', (_what, source, old, now) => {
    expect(said(source, source)).toEqual([]);
    const found = said(source, source.replace(old, now));
    expect(found.filter((one) => one.startsWith('layout-changed')).length).toBeGreaterThan(0);
  });

  test('that a table has more of is no matter to the types', () => {
    const table = 'struct s { int a, b; }; struct s table[] = {{1, 2}, {3, 4}}; char name[] = "x";';
    expect(said(table, table.replace('{3, 4}', '{3, 4}, {5, 6}').replace('"x"', '"xyz"'))).toEqual([]);
  });

  test('that is new, or of which only a pointer’s target changes, is no matter', () => {
    expect(said(before, `${before} struct n { int x; } new;`)).toEqual([]);
    const pointer = 'struct a; struct b; struct s { struct a *p; } it;';
    expect(said(pointer, pointer.replace('struct a *p', 'struct b *p'))).toEqual([]);
  });
});

const enums = (names: string) => `enum e { ${names} }; enum e it; enum { ${names.toLowerCase()} } other;`;

describe('constants', () => {
  test('whose values move are refused, named or not', () => {
    expect(said(enums('ONE, TWO'), enums('ONE, NEW, TWO'))).toEqual([
      expect.stringMatching(/^enum-changed TWO: its value was 1 and is 2/),
      expect.stringMatching(/^enum-changed two: /),
    ]);
  });

  test('at the end are new, and what counts them grows', () => {
    expect(said(enums('ONE, TWO, NR_ALL'), enums('ONE, TWO, NEW, NR_ALL'))).toEqual([
      expect.stringMatching(/^enum-grown NR_ALL: its value was 2 and is 3/),
      expect.stringMatching(/^enum-grown nr_all/),
    ]);
  });
});

const prototypes = (before: string, after: string) => compareTypes('a.o', typesIn(before), typesIn(after)).prototypes;

describe('a function that other files may call', () => {
  test.each([
    ['int f(int a) { return a; }', 'int f(int a, int b) { return a + b; }', ['f']],
    ['int f(int a) { return a; }', 'int f(long a) { return a; }', ['f']],
    ['int f(int a) { return a; }', '_Bool f(int a) { return a; }', ['f']],
    ['void f(int a) { }', 'int f(int a) { return a; }', []],
    ['int f(char *a) { return *a; }', 'int f(const char *a) { return *a; }', []],
    [
      'static int f(int a) { return a; } int (*g)(int) = f;',
      'static int f(void) { return 1; } int (*g)(int) = (void *)f;',
      [],
    ],
  ])('%s → %s', (before, after, expected) => expect(prototypes(before, after)).toEqual(expected));
});

const running = (source: string): Btf => {
  const section = sectionNamed(readElf(objectOf(source)), '.BTF');
  return Btf.parse(Buffer.from(section?.data ?? []));
};

describe('against the running kernel', () => {
  const source = 'struct s { int a; int m[2][3]; } it; struct mine { int x; } m;';

  test('the same source is the same, however arrays are written', () => {
    expect(unlikeRunning('a.o', typesIn(source), running(source))).toEqual([]);
    expect(unlikeRunning('a.o', typesIn(source), running(source.replace('[2][3]', '[3][2]')))).toEqual([]);
    expect(unlikeRunning('a.o', typesIn(source), running(source.replace('mine', 'yours')))).toEqual([]);
  });

  test('another configuration shows', () => {
    expect(unlikeRunning('a.o', typesIn(source), running(source.replace('int a;', 'int a, b;')))).toEqual([
      expect.objectContaining({ code: 'types-not-of-kernel', symbol: 'struct s', object: 'a.o' }),
    ]);
  });
});

test('objects without types are no proof', () => {
  expect(typesOf(objectOf('int x;', '-g0'))).toBeUndefined();
});
