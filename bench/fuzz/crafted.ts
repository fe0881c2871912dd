import {
  type NewRelocation,
  ObjectBuilder,
  type SectionHandle,
  SectionFlag,
  SectionType,
  type SymbolHandle,
  SymbolType,
} from '#libs/elf';

/** Makes an object of `count` things of a kind; `change` is a byte that differs before and after a fix. */
type Craft = (count: number, change: number) => Uint8Array;

const { ALLOC, WRITE, EXECINSTR, MERGE, STRINGS } = SectionFlag;
const code = { type: SectionType.PROGBITS, flags: ALLOC | EXECINSTR, align: 1 };
const data = { type: SectionType.PROGBITS, flags: ALLOC | WRITE, align: 1 };
const addressBytes = 4;
const local = 0;
const global = 1;
const abs32 = 10;
const pc32 = 2;
const plt32 = 4;

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

interface Function {
  readonly section: SectionHandle;
  readonly symbol: SymbolHandle;
}

function addFunction(builder: ObjectBuilder, name: string, sizeBytes: number, change: number): Function {
  const bytes = new Uint8Array(sizeBytes);
  bytes[0] = 0xe8;
  bytes[sizeBytes - 1] = change;
  const section = builder.addSection({ ...code, name: `.text.${name}`, data: bytes });
  const symbol = builder.addSymbol({ name, binding: global, type: SymbolType.FUNC, section, value: 0, sizeBytes });
  return { section, symbol };
}

/** One function with a relocation in every four of its bytes, behind its call of `__fentry__`. */
function withReferences(
  count: number,
  change: number,
  relocationsOf: (builder: ObjectBuilder) => (index: number) => Omit<NewRelocation, 'offset'>,
): Uint8Array {
  const builder = new ObjectBuilder();
  const { section } = addFunction(builder, 'f', 16 + addressBytes * count, change);
  const fentry = { offset: 1, type: plt32, symbol: builder.addUndefined('__fentry__'), addend: -4 };
  const relocationOf = relocationsOf(builder);
  const others = times(count, (index) => ({ offset: 8 + addressBytes * index, ...relocationOf(index) }));
  builder.addRelocations(section, [fentry, ...others]);
  return builder.build();
}

/** One function, and a table about every four of its bytes. */
function withTable(
  count: number,
  change: number,
  name: string,
  entryBytes: number,
  fields: readonly number[],
): Uint8Array {
  const builder = new ObjectBuilder();
  const { symbol } = addFunction(builder, 'f', addressBytes * count, change);
  const table = builder.addSection({ ...data, name, data: new Uint8Array(entryBytes * count) });
  const relocations = times(count, (index) =>
    fields.map((field) => ({ offset: index * entryBytes + field, type: pc32, symbol, addend: addressBytes * index })),
  );
  builder.addRelocations(table, relocations.flat());
  return builder.build();
}

function withMerged(
  count: number,
  change: number,
  flags: number,
  entrySizeBytes: number,
  bytes: Uint8Array,
): Uint8Array {
  return withReferences(count, change, (builder) => {
    const kind = { ...data, flags: ALLOC | MERGE | flags, entrySizeBytes };
    const section = builder.addSection({ ...kind, name: '.rodata.merged', data: bytes });
    const symbol = builder.addSymbol({ name: '', binding: local, type: SymbolType.SECTION, section });
    const step = bytes.length / count;
    return (index) => ({ type: abs32, symbol, addend: step * index });
  });
}

function withSections(count: number, make: (index: number) => { name: string; data: Uint8Array; isCode?: boolean }) {
  const builder = new ObjectBuilder();
  for (let index = 0; index < count; index++) {
    const { isCode, ...section } = make(index);
    builder.addSection({ ...(isCode === true ? code : data), ...section });
  }
  return builder.build();
}

/** Objects that no compiler makes: of one thing as many as fit. */
export const crafts: Readonly<Record<string, Craft>> = {
  relocations: (count, change) =>
    withReferences(count, change, (builder) => {
      const symbol = builder.addUndefined('g');
      return (addend) => ({ type: pc32, symbol, addend });
    }),
  'references to variables': (count, change) =>
    withReferences(count, change, (builder) => {
      const section = builder.addSection({ ...data, name: '.data', data: new Uint8Array(8 * 100) });
      const object = { binding: local, type: SymbolType.OBJECT, section, sizeBytes: 8 };
      const variables = times(100, (index) =>
        builder.addSymbol({ ...object, name: `count.${change === 1 ? index : 100 - index}`, value: 8 * index }),
      );
      const [first] = variables;
      return (index) => ({ type: pc32, symbol: variables[index % 100] ?? (first as SymbolHandle), addend: -4 });
    }),
  symbols(count, change) {
    const builder = new ObjectBuilder();
    const section = builder.addSection({ ...data, name: '.data.x', data: new Uint8Array(count).fill(change) });
    const object = { binding: global, type: SymbolType.OBJECT, section, sizeBytes: 1 };
    for (let value = 0; value < count; value++) builder.addSymbol({ ...object, name: `x${value}`, value });
    return builder.build();
  },
  sections: (count, change) =>
    withSections(count, (index) => ({ name: `.data.${index}`, data: Uint8Array.of(change) })),
  'sections of code': (count, change) =>
    withSections(count, (index) => ({ name: `.text.${index}`, data: Uint8Array.of(change), isCode: true })),
  'empty sections': (count) => withSections(count, () => ({ name: '.data', data: new Uint8Array(0) })),
  functions(count, change) {
    const builder = new ObjectBuilder();
    const symbol = builder.addUndefined('__fentry__');
    for (let index = 0; index < count; index++) {
      const { section } = addFunction(builder, `f${index}`, 16, change);
      builder.addRelocations(section, [{ offset: 1, type: plt32, symbol, addend: -4 }]);
    }
    return builder.build();
  },
  strings: (count, change) =>
    withMerged(
      count,
      change,
      STRINGS,
      1,
      new Uint8Array(2 * count).map((_, at) => (at % 2 === 0 ? 97 : 0)),
    ),
  // Each reference is to the rest of one long string: as text, they would be a thousand times the object.
  'overlapping strings': (count, change) =>
    withMerged(
      count,
      change,
      STRINGS,
      1,
      new Uint8Array(count).map((_, at) => (at === count - 1 ? 0 : 97)),
    ),
  constants: (count, change) => withMerged(count, change, 0, 4, new Uint8Array(4 * count).fill(3)),
  'bug entries': (count, change) => withTable(count, change, '__bug_table', 12, [0, 4]),
  'lock prefixes': (count, change) => withTable(count, change, '.smp_locks', 4, [0]),
  'traced calls': (count, change) => withTable(count, change, '__mcount_loc', 8, [0]),
  snippets: (count, change) =>
    withReferences(count, change, (builder) => {
      const section = builder.addSection({ ...code, name: '.altinstr_aux', data: new Uint8Array(count) });
      const symbol = builder.addSymbol({ name: '', binding: local, type: SymbolType.SECTION, section });
      return (index) => ({ type: pc32, symbol, addend: index - 4 });
    }),
  'fields of modinfo'(count, change) {
    const builder = new ObjectBuilder();
    const text = times(count, (index) => `${(change * 2_000_000 + index).toString(36)}\0`).join('');
    builder.addSection({ ...data, flags: ALLOC, name: '.modinfo', data: Buffer.from(text) });
    return builder.build();
  },
};
