import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

const folder = mkdtempSync(join(tmpdir(), 'objdiff-names-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** An object after objcopy, which gives names that no compiler gives twice. */
function renamed(object: Uint8Array, ...options: string[]): Buffer {
  writeFileSync(join(folder, 'in.o'), object);
  execFileSync('objcopy', [...options, join(folder, 'in.o'), join(folder, 'out.o')]);
  return readFileSync(join(folder, 'out.o'));
}

/** One object of several, as a module's parts are linked; sections stay apart. */
async function linked(...sources: readonly (readonly [file: string, source: string])[]): Promise<Buffer> {
  const files: string[] = [];
  for (const [file, source] of sources) {
    files.push(join(folder, `${files.length}.o`));
    writeFileSync(files.at(-1) ?? '', await compile(`#line 1 "${file}"\n${source}`));
  }
  execFileSync('ld', ['-r', '--unique', '-o', join(folder, 'all.o'), ...files]);
  return readFileSync(join(folder, 'all.o'));
}

function diff(original: Uint8Array, patched: Uint8Array): ObjectDiff {
  return diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched });
}

const twice = (k: number): string => `
  noinline int a(int x) { return other(x) + ${k}; } noinline int b(int x) { return other(x) * 3; }
  int va = 1, vb = 2; int g(void) { return a(va++) + b(vb++); }`;

test.each([
  ['two global ones', ['--redefine-sym', 'b=a', '--redefine-sym', 'vb=va']],
  [
    'a weak and a strong one',
    ['--weaken-symbol=a', '--weaken-symbol=va', '--redefine-sym', 'b=a', '--redefine-sym', 'vb=va'],
  ],
])('an object with equal names, %s, is no other than itself', async (_what, options) => {
  const object = renamed(renamed(await compile(twice(1)), ...options.slice(0, -4)), ...options.slice(-4));
  expect(diff(object, object).outcome).toBe('no-change');
  const patched = renamed(renamed(await compile(twice(2)), ...options.slice(0, -4)), ...options.slice(-4));
  expect(diff(object, patched)).toMatchObject({ outcome: 'changed', changed: ['a'] });
});

const part = (name: string, begin: number, k: number): string =>
  `static int state = ${begin}; static noinline int h(int x) { return other(x) + state++; } int ${name}(int x) { return h(x + ${k}); }`;

test('files that are linked to one object have their own variables of one name', async () => {
  const original = await linked(['one.c', part('one', 0, 1)], ['two.c', part('two', 4, 1)]);
  expect(diff(original, original).outcome).toBe('no-change');
  const patched = await linked(['one.c', part('one', 0, 1)], ['two.c', part('two', 4, 2)]);
  expect(diff(original, patched)).toMatchObject({ outcome: 'changed', changed: ['two'] });
});

test('a file less, and it is still told whose a variable is; of files that nothing tells apart it is not', async () => {
  const [one, two] = [part('one', 0, 1), part('two', 0, 1)];
  const original = await linked(['one.c', one], ['two.c', two]);
  const without = await linked(['two.c', two.replace('x + 1', 'x + 2')]);
  expect(diff(original, without)).toMatchObject({ changed: expect.arrayContaining(['two']) as unknown });
  const alike = [await linked(['one.c', one], ['one.c', two]), await linked(['one.c', two.replace('x + 1', 'x + 2')])];
  expect(alike[0] && alike[1] && diff(alike[0], alike[1])).toMatchObject({
    outcome: 'refused',
    reasons: expect.arrayContaining([
      expect.objectContaining({ code: 'static-local-ambiguous', symbol: 'state' }),
    ]) as unknown,
  });
});
