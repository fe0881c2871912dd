import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import { objdiffCommand } from './objdiff.js';

const run = promisify(execFile);
let folder: string;

async function compile(name: string, source: string, types = '-gbtf'): Promise<string> {
  await writeFile(join(folder, `${name}.c`), source);
  const flags = [
    types,
    '-O2',
    '-mcmodel=kernel',
    '-fno-pic',
    '-pg',
    '-mfentry',
    '-mrecord-mcount',
    '-ffunction-sections',
  ];
  await run('gcc-12', [...flags, '-fdata-sections', '-c', `${name}.c`, '-o', `${name}.o`], { cwd: folder });
  return join(folder, `${name}.o`);
}

/** Runs the command in this process: what it printed, and the exit code it asked for. */
async function objdiff(...args: string[]): Promise<{ out: string; code: number | string | undefined }> {
  let out = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  try {
    await objdiffCommand().exitOverride().parseAsync(args, { from: 'user' });
    return { out, code: process.exitCode };
  } finally {
    process.exitCode = before;
    write.mockRestore();
  }
}

beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'objdiff-command-'))));
afterAll(async () => rm(folder, { recursive: true, force: true }));

test('says by its exit code and in JSON what came out', async () => {
  const before = await compile('before', 'int f(int a) { return a + 1; }');
  const after = await compile('after', 'static int seen; int f(int a) { return a + seen++; }');
  const data = await compile('data', 'int f(int a) { return a + 1; } int level = 3;');
  const moved = await compile('moved', 'int f(int a) { return a + 1; } int level = 4;');
  expect(await objdiff(before, before)).toEqual({ out: 'no change\n', code: 3 });
  const made = await objdiff(before, after, '--json');
  expect([made.code, JSON.parse(made.out)]).toEqual([
    0,
    { schema: 1, outcome: 'made', changed: ['f'], new: ['seen'], refusals: [], bundled: [], notices: [] },
  ]);
  const refused = await objdiff(data, moved, '--json');
  expect([refused.code, JSON.parse(refused.out)]).toMatchObject([
    2,
    { outcome: 'refused', refusals: [{ symbol: 'level', code: 'data-changed' }] },
  ]);
});

/** With another name for `f` than C would let it have. */
async function compileAs(f: string, name: string, source: string): Promise<string> {
  const object = await compile(name, source);
  await run('objcopy', ['--redefine-sym', `f=${f}`, object]);
  return object;
}

test('shows what a terminal would obey of a name in an object', async () => {
  const f = 'f\u001B[2J\nmade';
  const before = await compileAs(f, 'named', 'int f(int a) { return a + 1; }');
  const after = await compileAs(f, 'named-after', 'int f(int a) { return a + 2; }');
  const { out } = await objdiff(before, after);
  expect(out).toContain('f\\u001b[2J\\u000amade');
  expect(out).not.toMatch(/[^\P{Cc}\n]/u);
});

const grower = (more: string): string =>
  `struct s { long a; ${more} }; int f(struct s *s) { return s->a ${more && '+ 1'}; }`;

test('types speak too: of a structure that grows unseen by the code, and of their own absence', async () => {
  const grown = await objdiff(await compile('small', grower('')), await compile('grown', grower('long b;')), '--json');
  expect([grown.code, JSON.parse(grown.out)]).toMatchObject([
    2,
    { changed: ['f'], refusals: [{ symbol: 'struct s', code: 'layout-changed' }] },
  ]);
  const blind = await objdiff(
    await compile('blind', grower(''), '-g0'),
    await compile('blinder', grower('long b;'), '-g0'),
    '--json',
  );
  expect([blind.code, JSON.parse(blind.out)]).toMatchObject([0, { notices: [{ code: 'types-unknown' }] }]);
});

test('what is no object, or not there, is an error', async () => {
  const text = join(folder, 'text.o');
  await writeFile(text, 'not an object');
  const outcome = await objdiff(text, text, '--json');
  expect([outcome.code, JSON.parse(outcome.out)]).toMatchObject([1, { refusals: [{ code: 'not-an-object' }, {}] }]);
  await expect(objdiff(text, join(folder, 'missing.o'))).rejects.toMatchObject({ code: 'ENOENT' });
  const missing = await objdiff(text, join(folder, 'missing.o'), '--json');
  expect([missing.code, JSON.parse(missing.out)]).toMatchObject([
    1,
    { schema: 1, outcome: 'error', reason: expect.stringContaining('missing.o') },
  ]);
});

test('an object of another architecture is refused by name, not misread', async () => {
  const object = await readFile(await compile('arm', 'int f(int a) { return a; }'));
  // EM_AARCH64 (elf.h)
  object.writeUInt16LE(183, 18);
  const arm = join(folder, 'arm64.o');
  await writeFile(arm, object);
  const outcome = await objdiff(arm, arm, '--json');
  expect([outcome.code, JSON.parse(outcome.out)]).toMatchObject([
    2,
    { outcome: 'refused', refusals: [{ code: 'other-architecture', reason: expect.stringContaining('aarch64') }, {}] },
  ]);
});
