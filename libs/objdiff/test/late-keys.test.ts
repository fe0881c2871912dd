import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ObjectBuilder, readElf, readRelocations, sectionNamed, SymbolBinding, SymbolType } from '#libs/elf';
import { diffObjects, emitModule, type EmitOutcome } from '#libs/objdiff';
import { compile } from './compile.js';
import { SmallKernel } from './small-kernel.js';

const run = promisify(execFile);

/** As the kernel has it (asm/jump_label.h), with the instruction that is in the object when objtool is done. */
const branches = `
struct static_key { int enabled; void *entries; };
struct tracepoint { const char *name; struct static_key key; };
extern struct tracepoint __tracepoint_t;
struct static_key own;
#define branch(name, insn) static inline __attribute__((always_inline)) int name(struct static_key *k, const int inverted) { \\
  asm goto("1: " insn "\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 1b - ., %l[yes] - .\\n" \\
    ".quad %c0 + %c1 - .\\n.popsection" : : "i"(k), "i"(inverted) : : yes); return 0; yes: return 1; }
branch(nop, ".byte 0x0f, 0x1f, 0x44, 0, 0") branch(shortNop, ".byte 0x66, 0x90") branch(jump, "jmp.d32 %l[yes]")
`;

const long = (insn: string) => `${branches} int f(int a) {
  if (nop(&__tracepoint_t.key, 2)) { a = other(a) * 3; ${'other(a + 7);'.repeat(9)} }
  if (jump(&own, 1)) a = other(a) * 5 + 1; else a = other(a) * 7;
  if (${insn}(&own, 0)) a += 1000; return a + K; }`;

const short = `${branches} int f(int a) { if (shortNop(&own, 2)) a = other(a) * 3; return a + K; }`;

const modules = { small: { f: 'T', own: 'D', __tracepoint_t: 'D', __SCT__c: 'T', __SCK__c: 'D', other: 'T' } };

async function emit(source: string): Promise<EmitOutcome> {
  const [original, patched] = await Promise.all([compile(source, ['-DK=1']), compile(source, ['-DK=2'])]);
  const diff = diffObjects({ objectFile: 'small.o', owner: 'small', original, patched });
  if (diff.outcome !== 'changed') throw new Error(JSON.stringify(diff));
  const kernel = new SmallKernel({}, [], modules);
  return emitModule({ name: 'small_fix', kernel, diffs: [diff.included], replace: false });
}

function bytesOf(outcome: EmitOutcome): Uint8Array {
  if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.bytes;
}

/** The module's code as an ordinary object: symbols that the kernel would look up are undefined ones. */
function linkable(module: Uint8Array): Uint8Array {
  const elf = readElf(module);
  const text = sectionNamed(elf, '.text');
  if (text === undefined) throw new Error('no code');
  const builder = new ObjectBuilder();
  const handle = builder.addSection({
    name: '.text',
    type: text.type,
    flags: text.flags,
    align: text.align,
    data: text.data,
  });
  const known = new Map<string, ReturnType<ObjectBuilder['addSymbol']>>();
  const symbolOf = (name: string) => {
    const symbol =
      known.get(name) ??
      (name === 'f'
        ? builder.addSymbol({ name, binding: SymbolBinding.GLOBAL, type: SymbolType.FUNC, section: handle, value: 0 })
        : builder.addUndefined(name));
    known.set(name, symbol);
    return symbol;
  };
  symbolOf('f');
  const tables = elf.sections.filter(({ name }) => name === '.rela.text' || name.endsWith('..text'));
  const all = tables.flatMap((table) => [...readRelocations(table, elf.symbols)]);
  builder.addRelocations(
    handle,
    all.map(({ offset, type, addend, symbol }) => ({
      offset,
      type,
      addend,
      symbol: symbolOf(symbol.name.replace(/^\.klp\.sym\.small\.(.*),\d+$/, '$1')),
    })),
  );
  return builder.build();
}

/** What the new function returns for 5 with both keys off, one on, the other, both on. */
async function results(module: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'objdiff-keys-'));
  try {
    await writeFile(join(folder, 'f.o'), linkable(module));
    const main = `${branches} #include <stdio.h>
      struct tracepoint __tracepoint_t; asm(".globl __fentry__\\n__fentry__: ret"); int f(int); int other(int a) { return a + 1; }
      int main(void) { for (int i = 0; i < 4; i++) {
        __tracepoint_t.key.enabled = i & 1 ? -1 : 0; own.enabled = i >> 1; printf("%d ", f(5)); } return 0; }`;
    await writeFile(join(folder, 'main.c'), main.replace(' #include <stdio.h>', '\n#include <stdio.h>\n'));
    await run('gcc-12', ['-O1', '-no-pie', '-z', 'noexecstack', '-o', 'main', 'main.c', 'f.o'], { cwd: folder });
    return (await run(join(folder, 'main'))).stdout.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('branches on keys of the module that is patched', () => {
  test('go where the keys say', async () => {
    const outcome = await emit(long('nop'));
    const expected = [0, 1, 2, 3].map((i) => {
      const a = i & 1 ? 6 * 3 : 5;
      return i >> 1 ? (a + 1) * 7 + 1000 + 2 : (a + 1) * 5 + 1 + 2;
    });
    expect(await results(bytesOf(outcome))).toBe(expected.join(' '));
    expect(sectionNamed(readElf(bytesOf(outcome)), '__jump_table')).toBeUndefined();
    expect(outcome.outcome === 'emitted' && outcome.notices.map(({ code, symbol }) => `${code} ${symbol}`)).toContain(
      'key-read f',
    );
  });

  test('may be short, where the function ends nearby, and else are refused', async () => {
    expect(await results(bytesOf(await emit(short)))).toBe('7 7 20 20');
    const far = short.replace('return a', `${'a = other(a);'.repeat(20)} return a`);
    const outcome = await emit(far);
    expect(outcome.outcome === 'refused' && outcome.reasons.map(({ code }) => code)).toEqual(['jump-label-key']);
  });

  test('in a form that isn’t known are refused', async () => {
    const odd = branches.replace('0x66, 0x90', '0x87, 0xc0');
    const outcome = await emit(short.replace(branches, odd));
    expect(outcome.outcome === 'refused' && outcome.reasons.map(({ code }) => code)).toEqual(['jump-label-key']);
  });
});

test('static calls by such keys go through the trampoline', async () => {
  const call = `asm volatile("1: call __SCT__c\\n.pushsection .static_call_sites,\\"aw\\"\\n.balign 4\\n"
    ".long 1b - ., __SCK__c - .\\n.popsection");`;
  const elf = readElf(bytesOf(await emit(`int f(int a) { ${call} return a + K; }`)));
  expect(sectionNamed(elf, '.static_call_sites')).toBeUndefined();
  const table = sectionNamed(elf, '.klp.rela.small..text');
  expect(readRelocations(table as NonNullable<typeof table>, elf.symbols).map(({ symbol }) => symbol.name)).toContain(
    '.klp.sym.small.__SCT__c,0',
  );
});
