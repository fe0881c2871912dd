import { jest } from '@jest/globals';
import { ObjectBuilder, readElf, SectionFlag, SectionType, SymbolType } from '#libs/elf';
import { diffObjects } from '#libs/objdiff';

const { ALLOC, EXECINSTR, WRITE } = SectionFlag;
const code = { type: SectionType.PROGBITS, flags: ALLOC | EXECINSTR, align: 1 };
const data = { type: SectionType.PROGBITS, flags: ALLOC | WRITE, align: 1 };
const global = 1;
const [pc32, plt32, abs32] = [2, 4, 10];
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

/** A caller, whose references are given, behind its call of `__fentry__`. */
function addCaller(
  builder: ObjectBuilder,
  lastByte: number,
  references: readonly { type: number; symbol: ReturnType<ObjectBuilder['addUndefined']>; addend: number }[],
): void {
  const bytes = new Uint8Array(16 + 4 * references.length);
  bytes[0] = 0xe8;
  bytes[bytes.length - 1] = lastByte;
  const section = builder.addSection({ ...code, name: '.text.caller', data: bytes });
  const sizeBytes = bytes.length;
  builder.addSymbol({ name: 'caller', binding: global, type: SymbolType.FUNC, section, value: 0, sizeBytes });
  const fentry = { offset: 1, type: plt32, symbol: builder.addUndefined('__fentry__'), addend: -4 };
  builder.addRelocations(section, [fentry, ...references.map((one, at) => ({ ...one, offset: 8 + 4 * at }))]);
}

/** One section of so many functions, each of which is referred to; they have moved by a few bytes. */
function functionsOfOneSection(count: number, moved: number): Uint8Array {
  const builder = new ObjectBuilder();
  const section = builder.addSection({ ...code, name: '.text', data: new Uint8Array(16 * count + 16) });
  const symbol = builder.addSymbol({ name: '', binding: 0, type: SymbolType.SECTION, section });
  const place = (index: number): number => 16 * index + moved;
  for (let index = 0; index < count; index++) {
    const named = { name: `f${index}`, value: place(index), sizeBytes: 8 };
    builder.addSymbol({ ...named, binding: global, type: SymbolType.FUNC, section });
  }
  addCaller(
    builder,
    0,
    times(count, (index) => ({ type: abs32, symbol, addend: place(index) })),
  );
  return builder.build();
}

/** A function that refers so often to 100 static variables, whose numbers and whose user's code have changed. */
function staticLocals(count: number, change: number): Uint8Array {
  const builder = new ObjectBuilder();
  const section = builder.addSection({ ...data, name: '.data', data: new Uint8Array(800) });
  const variables = times(100, (index) => {
    const name = `count.${change === 0 ? index : 100 - index}`;
    return builder.addSymbol({ name, binding: 0, type: SymbolType.OBJECT, section, value: 8 * index, sizeBytes: 8 });
  });
  addCaller(
    builder,
    change,
    times(count, (index) => ({ type: pc32, symbol: variables[index % 100] ?? builder.addUndefined('x'), addend: -4 })),
  );
  return builder.build();
}

/** How often the comparison reads the value of a symbol or the place of a relocation: what no step does without. */
function readsOf(original: Uint8Array, patched: Uint8Array): { readonly outcome: string; readonly reads: number } {
  const [symbol] = readElf(original).symbols;
  const reading = jest.spyOn(Object.getPrototypeOf(symbol) as { readonly value: bigint }, 'value', 'get');
  try {
    const { outcome } = diffObjects({ objectFile: 'many.o', owner: 'vmlinux', original, patched });
    return { outcome, reads: reading.mock.calls.length };
  } finally {
    reading.mockRestore();
  }
}

test.each([
  ['functions of one section', functionsOfOneSection, 8, 'no-change'],
  ['references to static variables', staticLocals, 1, 'refused'],
] as const)('four times as many %s take four times the work', (_what, make, change, expected) => {
  const [some, more] = [1000, 4000].map((count) => readsOf(make(count, 0), make(count, change)));
  expect([some?.outcome, more?.outcome]).toEqual([expected, expected]);
  expect(some?.reads).toBeGreaterThan(1000);
  expect(more?.reads).toBeLessThan(5 * (some?.reads ?? 0));
});
