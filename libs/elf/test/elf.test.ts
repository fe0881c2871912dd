import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ElfError,
  noteBytes,
  ObjectBuilder,
  readElf,
  readNotes,
  RelocationType,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
  SectionType,
  SymbolBinding,
  SymbolType,
} from '#libs/elf';
import fc from 'fast-check';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'elf-'))));
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function readelf(file: string, ...options: string[]): Promise<string> {
  const { stdout, stderr } = await run('readelf', [...options, file]);
  expect(stderr).toBe('');
  return stdout;
}

async function compiled(): Promise<string> {
  const source = `static int state = 3; int bss[9]; extern int other(const char *);
    int f(int a) { return other("text") + (state += a); } __attribute__((weak)) int g(void) { return bss[1]; }`;
  await writeFile(join(folder, 'small.c'), source);
  const flags = ['-O2', '-mcmodel=kernel', '-fno-pic', '-ffunction-sections', '-fdata-sections', '-c'];
  await run('gcc-12', [...flags, 'small.c', '-o', 'small.o'], { cwd: folder });
  return join(folder, 'small.o');
}

test('reads what readelf reads', async () => {
  const file = await compiled();
  const elf = readElf(await readFile(file));
  const sections = [...(await readelf(file, '-SW')).matchAll(/^ +\[ *\d+\] (\S*) +([A-Z_0-9]+) +(\w+) (\w+) (\w+)/gm)];
  expect(elf.sections.slice(1).map(({ name, offset, sizeBytes }) => [name, offset, sizeBytes])).toEqual(
    sections.slice(1).map(([, name, , , offset, size]) => [name, parseInt(offset ?? '', 16), parseInt(size ?? '', 16)]),
  );
  const symbols = [...(await readelf(file, '-sW')).matchAll(/^ +\d+: (\w+) +(\d+) (\w+) +(\w+) +\w+ +(\w+) ?(.*)$/gm)];
  const ours = elf.symbols.map((symbol) => [symbol.value, symbol.sizeBytes, symbol.name]);
  expect(ours).toEqual(symbols.map(([, value, size, , , , name]) => [BigInt(`0x${value}`), Number(size), name]));
  const found = [...(await readelf(file, '-rW')).matchAll(/^(\w{16}) +\w+ (R_X86_64_\w+) +\w+ (\S+) ([+-]) (\w+)$/gm)];
  const relocations = [...relocationsBySection(elf).values()].flatMap((list) => [...list]);
  expect(relocations.map(({ offset, symbol, addend }) => [offset, symbol.name, addend])).toEqual(
    found.map(([, offset, , name, sign, addend]) => [
      parseInt(offset ?? '', 16),
      name,
      parseInt(`${sign}${addend}`, 16),
    ]),
  );
});

test('writes what readelf and this library read back', async () => {
  const builder = new ObjectBuilder();
  const text = builder.addSection({
    name: '.text',
    type: SectionType.PROGBITS,
    flags: SectionFlag.ALLOC | SectionFlag.EXECINSTR,
    align: 16,
    data: Uint8Array.of(0xe8, 0, 0, 0, 0, 0xc3),
  });
  const global = builder.addSymbol({
    name: 'f',
    binding: SymbolBinding.GLOBAL,
    type: SymbolType.FUNC,
    section: text,
    sizeBytes: 6,
  });
  builder.addSymbol({ name: 'local', binding: SymbolBinding.LOCAL, type: SymbolType.FUNC, section: text, value: 5 });
  const livepatch = builder.addSymbol({
    name: '.klp.sym.vmlinux.g,2',
    binding: SymbolBinding.GLOBAL,
    type: SymbolType.NOTYPE,
    section: SectionIndex.LIVEPATCH,
  });
  builder.addRelocations(text, [
    { offset: 1, type: RelocationType.PLT32, symbol: builder.addUndefined('h'), addend: -4 },
  ]);
  builder.addRelocations(text, [{ offset: 1, type: RelocationType.PC32, symbol: livepatch, addend: -4 }], {
    name: '.klp.rela.vmlinux..text',
    flags: SectionFlag.ALLOC | SectionFlag.RELA_LIVEPATCH,
  });
  const bytes = builder.build();
  await writeFile(join(folder, 'written.o'), bytes);
  const out = await readelf(join(folder, 'written.o'), '-aW');
  expect(out).toMatch(/FUNC +GLOBAL DEFAULT +1 f$/m);
  expect(out).toMatch(/OS \[0xff20\] \.klp\.sym\.vmlinux\.g,2$/m);
  const elf = readElf(bytes);
  expect(elf.symbols.map(({ name }) => name)).toEqual(['', 'local', 'f', '.klp.sym.vmlinux.g,2', 'h']);
  expect(
    [...relocationsBySection(elf).values()]
      .flatMap((list) => [...list])
      .map(({ symbol, addend }) => [symbol.name, addend]),
  ).toEqual([
    ['h', -4],
    ['.klp.sym.vmlinux.g,2', -4],
  ]);
  expect(global).toBeDefined();
});

test('notes come back as they were', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z]{0,9}$/),
      fc.nat(255),
      fc.uint8Array({ maxLength: 40 }),
      (owner, type, description) => {
        const [note, ...more] = readNotes(noteBytes({ owner, type, description }));
        expect([note?.owner, note?.type, Buffer.from(note?.description ?? [])]).toEqual([
          owner,
          type,
          Buffer.from(description),
        ]);
        expect(more).toEqual([]);
      },
    ),
  );
});

function codeOf(bytes: Uint8Array): string | undefined {
  try {
    readElf(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof ElfError) return error.code;
    throw error;
  }
}

test('errors have codes', async () => {
  const whole = await readFile(await compiled());
  const changed = (at: number, ...values: number[]) => {
    const bytes = Uint8Array.from(whole);
    bytes.set(values, at);
    return bytes;
  };
  expect(codeOf(new Uint8Array(0))).toBe('not-elf');
  expect(codeOf(Buffer.from('#!/bin/sh\n'))).toBe('not-elf');
  expect(codeOf(whole.subarray(0, 20))).toBe('truncated');
  expect(codeOf(whole.subarray(0, whole.length - 1))).toBe('truncated');
  expect(codeOf(changed(4, 1))).toBe('other-architecture');
  expect(codeOf(changed(18, 3))).toBe('other-architecture');
  expect(codeOf(changed(5, 2))).toBe('other-architecture');
  expect(codeOf(changed(5, 3))).toBe('bad-header');
  expect(codeOf(changed(62, 0xff, 0x7f))).toBe('bad-header');
  expect(codeOf(changed(40, 0, 0, 0, 0, 0, 0, 0, 0x7f))).toBe('too-large');
});

test('damaged bytes end in a result or an ElfError, with nothing else', async () => {
  const whole = await readFile(await compiled());
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (changes, length) => {
      const bytes = Uint8Array.from(whole).subarray(0, length);
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      try {
        relocationsBySection(readElf(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(ElfError);
      }
    }),
    { numRuns: 1000 },
  );
});
