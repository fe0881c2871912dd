import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedLayouts } from './layouts.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-layout-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function objectOf(struct: string): Buffer {
  const base = join(folder, String((count += 1)));
  writeFileSync(`${base}.c`, `${struct}\nstruct s it;\n`);
  execFileSync('gcc-12', ['-gbtf', '-c', '-o', `${base}.o`, `${base}.c`]);
  return readFileSync(`${base}.o`);
}

const before = 'struct s { int a; union { long b; char c; }; char d; };';
test.each([
  ['the same', before, []],
  ['another type of the same size and place', before.replace('long b', 'void *b'), []],
  ['a member in a hole', before.replace('char d;', 'char d, e;'), ['it gets a member e']],
  ['a larger structure', before.replace('char d;', 'char d; long e;'), ['its size changes from 24 to 32 bytes']],
  ['members that change places', 'struct s { char d; union { long b; char c; }; int a; };', ['its member a moves']],
  ['a member that goes', before.replace('char c;', ''), ['its member c goes away']],
])('%s', (_what, after, reasons) => {
  const found = changedLayouts('a.o', objectOf(before), objectOf(after));
  expect(found.map(({ reason }) => reason)).toEqual(reasons);
  for (const one of found) expect(one).toMatchObject({ code: 'layout-changed', symbol: 'struct s', object: 'a.o' });
});

test('objects without types are no proof', () => {
  const bare = join(folder, 'bare');
  writeFileSync(`${bare}.c`, 'int x;\n');
  execFileSync('gcc-12', ['-c', '-o', `${bare}.o`, `${bare}.c`]);
  expect(changedLayouts('a.o', readFileSync(`${bare}.o`), objectOf(before))).toEqual([
    expect.objectContaining({ code: 'no-types' }),
  ]);
});
