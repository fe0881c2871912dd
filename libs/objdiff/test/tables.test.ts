import { diffObjects, type ObjectDiff, type TableSizes } from '#libs/objdiff';
import { readObject } from '../src/model/object-file.js';
import { compile } from './compile.js';

const diff = (original: Uint8Array, patched: Uint8Array, sizes: TableSizes = {}): ObjectDiff =>
  diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched, sizes });

/** Compiles a source with K = 1 and K = 2, and compares the two. */
async function vary(source: string, extra: readonly string[] = [], sizes: TableSizes = {}): Promise<ObjectDiff> {
  const [original, patched] = await Promise.all([
    compile(source, [...extra, '-DK=1']),
    compile(source, [...extra, '-DK=2']),
  ]);
  return diff(original, patched, sizes);
}

const changedIn = (outcome: ObjectDiff) =>
  outcome.outcome === 'changed' ? outcome.changed : [outcome.outcome, ...codesOf(outcome)];
const codesOf = (outcome: ObjectDiff) =>
  outcome.outcome === 'refused' ? outcome.reasons.map(({ code, symbol }) => `${code} ${symbol ?? ''}`) : [];

/** An entry of a table about the nop before it; `$c` in its lines is that nop, `$r` a replacement for it. */
const entry = (section: string, lines: string) =>
  `asm volatile("661: .nops 5\\n662:\\n.pushsection ${section},\\"aw\\"\\n${lines
    .replaceAll('$c', '661b')
    .replaceAll('$r', '663f')
    .replaceAll(
      '\n',
      '\\n',
    )}\\n.popsection\\n.pushsection .altinstr_replacement,\\"ax\\"\\n663: .nops 3\\n.popsection");`;

/** Two functions, of which f has two entries and changes, and g has one. */
const withTable = (section: string, lines: string) => `
  int f(int a) { ${entry(section, lines)} ${entry(section, lines)} return other(a) + K; }
  int g(int a) { ${entry(section, lines)} return a; }
  const char file[] = "small.c"; int key;`;

/** `[form, section, an entry, its size]` */
const forms: readonly (readonly [string, string, string, number])[] = [
  ['alternatives before 4.1, and from 5.12', '.altinstructions', '.long $c - ., $r - .\n.word 1\n.byte 5, 3', 12],
  ['alternatives with their padding', '.altinstructions', '.long $c - ., $r - .\n.word 1\n.byte 5, 3, 0', 13],
  ['alternatives with flags', '.altinstructions', '.long $c - ., $r - .\n.long 1\n.byte 5, 3', 14],
  ['BUG() without a file', '__bug_table', '.long $c - .\n.word 1, 0', 8],
  ['BUG()', '__bug_table', '.long $c - ., file - .\n.word 7, 0', 12],
  ['BUG() with a format', '__bug_table', '.long $c - ., 0, file - .\n.word 7, 0', 16],
  ['exceptions before 4.6', '__ex_table', '.long $c - ., $c - .', 8],
  ['exceptions with a handler', '__ex_table', '.long $c - ., $c - ., other - .', 12],
  ['exceptions with a type', '__ex_table', '.long $c - ., $c - ., 3', 12],
  ['jump labels of 64 bits', '__jump_table', '.balign 8\n.quad $c, $c, key', 24],
  ['jump labels', '__jump_table', '.balign 8\n.long $c - ., $c - .\n.quad key - .', 16],
  ['static calls', '.static_call_sites', '.long $c - ., key - .', 8],
  ['paravirt, with a short last entry', '.parainstructions', '.balign 8\n.quad $c\n.byte 1, 5\n.word 0', 16],
  ['counted calls', '.call_sites', '.long $c - .', 4],
];

describe('the size of an entry follows from the object', () => {
  test.each(forms)('%s', async (_name, section, lines, sizeBytes) => {
    const object = readObject(await compile(withTable(section, lines), ['-DK=1']));
    expect([...object.specialProblems, ...object.readTablesToCopy()]).toEqual([]);
    const entries = object.atoms.map(({ name, special }) => ({
      name,
      sizes: special.filter((one) => one.section === section).map(({ bytes }) => bytes.length),
    }));
    expect(entries.find(({ name }) => name === 'f')?.sizes).toEqual([sizeBytes, sizeBytes]);
    expect(entries.find(({ name }) => name === 'g')?.sizes).toEqual([sizeBytes]);
    expect(changedIn(await vary(withTable(section, lines)))).toEqual(['f']);
  });

  test('of a single entry too', async () => {
    for (const [, section, lines, sizeBytes] of forms) {
      const object = readObject(
        await compile(`int f(int a) { ${entry(section, lines)} return a; } int key; const char file[] = "s";`),
      );
      object.readTablesToCopy();
      const own = object.atoms.flatMap(({ special }) => special.filter((one) => one.section === section));
      expect([section, own.map(({ bytes }) => bytes.length)]).toEqual([section, [sizeBytes]]);
    }
  });

  test('and one that the kernel’s types contradict is refused', async () => {
    const source = withTable('.altinstructions', '.long $c - ., $r - .\n.word 1\n.byte 5, 3');
    expect(changedIn(await vary(source, [], { alt_instr: 12 }))).toEqual(['f']);
    expect(codesOf(await vary(source, [], { alt_instr: 14 }))).toEqual(['special-section .altinstructions']);
  });

  test('and so is a descriptor', async () => {
    const source = `int f(int a) {
      static struct { const char *a, *b, *c, *d; int line; long key; }
        __UNIQUE_ID_ddebug7 __attribute__((used, section("__dyndbg"))) = {"a"};
      use(&__UNIQUE_ID_ddebug7); return a + K; }`;
    expect(changedIn(await vary(source, [], { _ddebug: 48 }))).toEqual(['f']);
    expect(codesOf(await vary(source, [], { _ddebug: 56 }))).toEqual(['special-section __dyndbg']);
  });
});

describe('alternatives', () => {
  test('may have no replacement, or one that the kernel has once for all', async () => {
    for (const line of ['.long $c - ., 0\n.word 1\n.byte 5, 0', '.long $c - ., outside - .\n.word 1\n.byte 5, 5'])
      expect(changedIn(await vary(withTable('.altinstructions', line)))).toEqual(['f']);
  });

  test('with a length but no replacement are refused', async () => {
    const source = withTable('.altinstructions', '.long $c - ., 0\n.word 1\n.byte 5, 3');
    expect(codesOf(await vary(source))).toEqual(['special-section .altinstructions']);
  });
});

describe('where a function can be redirected', () => {
  const source = 'int f(int a) { return other(a) + K; }';

  test('a nop that the compiler lists stands for the call', async () => {
    expect(changedIn(await vary(source, ['-mnop-mcount']))).toEqual(['f']);
  });

  test('a nop that is listed nowhere doesn’t', async () => {
    const nop = `asm(".pushsection .text.f,\\"ax\\"\\n.globl f\\n.type f, @function\\nf: .nops 5\\nmov $" STR(K) ", %eax\\nret\\n.size f, .-f\\n.popsection");`;
    const text = `#define STR_(x) #x\n#define STR(x) STR_(x)\n${nop}`;
    expect(codesOf(await vary(text))).toEqual(['no-fentry f']);
    const nopped = text.replace(
      'f: .nops 5',
      'f: .byte 0x0f, 0x1f, 0x44, 0, 0\\n.reloc f+1, R_X86_64_NONE, __fentry__-4',
    );
    expect(changedIn(await vary(nopped))).toEqual(['f']);
  });

  test('padding before the entry isn’t taken for a function', async () => {
    const padded = `#define STR_(x) #x\n#define STR(x) STR_(x)
      asm(".pushsection .text.f,\\"ax\\"\\n.type __pfx_f, @function\\n__pfx_f: .nops 16\\n.size __pfx_f, .-__pfx_f\\n"
        ".globl f\\n.type f, @function\\nf: call __fentry__\\nmov $" STR(K) ", %eax\\nret\\n.size f, .-f\\n.popsection\\n"
        ".pushsection __mcount_loc,\\"a\\"\\n.quad f\\n.popsection");
      int f(int a); int g(int a) { return f(a) + 1; }`;
    const outcome = await vary(padded);
    expect(changedIn(outcome)).toEqual(['f']);
    const atom = outcome.outcome === 'changed' ? outcome.included.replacements[0]?.atom : undefined;
    expect([atom?.start, atom?.prefix.length]).toEqual([16, 16]);
  });
});
