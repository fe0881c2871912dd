import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ElfError, ObjectBuilder, readElf, readNotes, relocationsBySection, SectionType, SymbolType } from '#libs/elf';
import { damaged, drawDamages, elfFields, peakOf, Random } from '#libs/hostile';
import fc from 'fast-check';

const folder = mkdtempSync(join(tmpdir(), 'elf-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Sections of all kinds: code, data, zeros, strings, relocations, notes. */
function compiled(): Buffer {
  const source = `int a = 3, b[100]; extern int f(const char *); int g(int x) { return f("text") + b[x] + a; }
    __attribute__((section(".note.x"), aligned(4))) const int note[] = { 4, 4, 1, 0x554e47, 7 };`;
  writeFileSync(join(folder, 'a.c'), source);
  execFileSync('gcc-12', ['-O1', '-c', '-ffunction-sections', '-o', join(folder, 'a.o'), join(folder, 'a.c')]);
  return readFileSync(join(folder, 'a.o'));
}

function readAll(bytes: Uint8Array): void {
  const file = readElf(bytes);
  for (const { type, data } of file.sections) if (type === SectionType.NOTE) readNotes(data);
  relocationsBySection(file);
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'read';
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return error.code;
  }
};

test('a damaged file is read or refused by an ElfError, never by another', () => {
  const sound = compiled();
  const fields = elfFields(sound);
  const seen = new Set<string>();
  const damage = (seed: number): Buffer => damaged(sound, drawDamages(new Random(seed)), fields);
  fc.assert(
    fc.property(fc.nat(), (seed) => void seen.add(codeOf(() => readAll(damage(seed))))),
    // Which damage is drawn decides what is seen: the same each time. `npm run fuzz` draws anew.
    { numRuns: 1500, seed: 1 },
  );
  // It isn't all refused at the door.
  expect([...seen]).toEqual(expect.arrayContaining(['read', 'truncated', 'bad-symbol', 'bad-relocation', 'too-large']));
});

const writing = { flags: 0, align: 1, entrySizeBytes: 0 };

/** An object whose symbols all have names in one long text: each a part of it, by another offset. */
function withSharedNames(symbols: number, nameBytes: number): Buffer {
  const builder = new ObjectBuilder();
  const section = builder.addSection({
    ...writing,
    name: '.data',
    type: SectionType.PROGBITS,
    data: new Uint8Array(8),
  });
  builder.addSymbol({ name: 'x'.repeat(nameBytes), binding: 0, type: SymbolType.OBJECT, section });
  for (let at = 1; at < symbols; at += 1) builder.addSymbol({ name: '', binding: 0, type: SymbolType.OBJECT, section });
  const bytes = Buffer.from(builder.build());
  const table = readElf(bytes).sections.find(({ type }) => type === SectionType.SYMTAB);
  for (let at = 1; at <= symbols; at += 1) bytes.writeUInt32LE(1 + (at % 64), (table?.offset ?? 0) + 24 * at);
  return bytes;
}

test('names that share their bytes take no more memory than the file', async () => {
  const bytes = withSharedNames(100_000, 8000);
  expect(codeOf(() => readElf(bytes))).toBe('too-large');
  expect(await peakOf(() => readElf(bytes))).toBeLessThan(4 * bytes.length + 2 ** 26);
});

test('relocation sections that share their bytes are not read a thousand times over', async () => {
  const builder = new ObjectBuilder();
  const section = builder.addSection({
    ...writing,
    name: '.data',
    type: SectionType.PROGBITS,
    data: new Uint8Array(8),
  });
  const symbol = builder.addUndefined('f');
  const relocations = Array.from({ length: 20_000 }, () => ({ offset: 0, type: 1, symbol, addend: 0 }));
  builder.addRelocations(section, relocations);
  const sound = Buffer.from(builder.build());
  const { header, sections } = readElf(sound);
  const rela = sections.find(({ type }) => type === SectionType.RELA)?.index ?? 0;
  const table = sound.subarray(header.sectionHeaderOffset);
  const entry = table.subarray(rela * 64, rela * 64 + 64);
  const copies = Array.from({ length: 5000 }, () => entry);
  const bytes = Buffer.concat([sound, ...copies]);
  bytes.writeUInt16LE(header.sectionCount + copies.length, 60);
  const read = (): unknown => relocationsBySection(readElf(bytes));
  expect(codeOf(read)).toBe('too-large');
  expect(await peakOf(read)).toBeLessThan(4 * bytes.length + 2 ** 26);
});
