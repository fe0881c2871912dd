import {
  byOffset,
  ElfError,
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  MemoryBudget,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
  SymbolBinding,
  SymbolType,
  Table,
} from '#libs/elf';

/** A field of a compiled part that a linker fills. */
export interface Field extends Pick<ElfRelocation, 'type' | 'symbol' | 'addend'> {
  /** From the part's start. */
  readonly offset: number;
}

/** A function or variable of a compiled object, with the fields in it that a linker fills. */
export interface CompiledPart {
  readonly name: string;
  /** Its bytes. */
  readonly code: Uint8Array;
  readonly sizeBytes: number;
  /** Sorted. */
  readonly fields: Table<Field>;
  /** Where it stands: what section symbols refer to. */
  readonly section: number;
  readonly offset: number;
  /** Gives way to another object's strong one. */
  readonly weak: boolean;
}

/** All functions of an object, by section and offset. */
export function functionsOf(object: ElfFile): readonly CompiledPart[] {
  return partsOf(object, SymbolType.FUNC, ({ flags }) => (flags & SectionFlag.EXECINSTR) !== 0);
}

/** Read-only once the kernel is linked or booted: what the compiler made of it is what runs. */
const constantSections = /^\.(?:rodata|data\.rel\.ro)(?:\.|$)/;

/** All constants of an object that have a name and aren't merged with equal ones. */
export function constantsOf(object: ElfFile): readonly CompiledPart[] {
  return partsOf(
    object,
    SymbolType.OBJECT,
    ({ name, flags }) => constantSections.test(name) && (flags & SectionFlag.MERGE) === 0,
  );
}

/** What is kept for a part: itself, its name, where it was found or why it wasn't. */
const partCostBytes = 400;

function partsOf(object: ElfFile, type: number, isWanted: (section: ElfSection) => boolean): readonly CompiledPart[] {
  const relocations = relocationsBySection(object, isWanted);
  for (const [section, table] of relocations) relocations.set(section, byOffset(table));
  const budget = new MemoryBudget(object.sizeBytes);
  const parts: CompiledPart[] = [];
  let left = maxOverlap * object.sizeBytes;
  for (const symbol of object.symbols) {
    const section = object.sections[symbol.sectionIndex];
    if (symbol.type !== type || symbol.sizeBytes === 0 || !section || !isWanted(section)) continue;
    // Cut off at the section's end, it would seem to be as short as what is there.
    if (Number(symbol.value) + symbol.sizeBytes > section.fileSizeBytes)
      throw new ElfError('bad-symbol', 0, `${symbol.name} runs out of ${section.name}`);
    left -= symbol.sizeBytes;
    if (left < 0) throw new ElfError('too-large', 0, `${section.name}: symbols that overlap too often`);
    budget.spend(partCostBytes, 'functions');
    parts.push(new Part(symbol, section, relocations.get(section.index)));
  }
  return parts.sort((a, b) => a.section - b.section || a.offset - b.offset);
}

/** Aliases lie upon each other; a thousand functions on the same bytes are none. */
const maxOverlap = 4;

/** A view of what stands in the file. */
class Part implements CompiledPart {
  readonly name: string;
  readonly section: number;
  readonly offset: number;

  constructor(
    private readonly symbol: ElfSymbol,
    private readonly within: ElfSection,
    private readonly relocations: Table<ElfRelocation> | undefined,
  ) {
    this.name = symbol.name;
    this.section = within.index;
    this.offset = Number(symbol.value);
  }

  get code(): Uint8Array {
    return this.within.data.subarray(this.offset, this.offset + this.symbol.sizeBytes);
  }

  get sizeBytes(): number {
    return this.symbol.sizeBytes;
  }

  get weak(): boolean {
    return this.symbol.binding === SymbolBinding.WEAK;
  }

  get fields(): Table<Field> {
    const { relocations, offset } = this;
    if (relocations === undefined) return noFields;
    const first = firstAtOrAfter(relocations, offset);
    const end = firstAtOrAfter(relocations, offset + this.symbol.sizeBytes);
    return Table.of(end - first, (index) => fieldOf(relocations, first + index, offset));
  }
}

const noFields = Table.of<Field>(0, () => {
  throw new RangeError('there are none');
});

function fieldOf(relocations: Table<ElfRelocation>, index: number, start: number): Field {
  const relocation = relocations.at(index);
  if (relocation === undefined) throw new RangeError(`relocation ${index}`);
  const { offset, type, symbol, addend } = relocation;
  return { offset: offset - start, type, symbol, addend };
}

/** The index of the first relocation at or behind a place, of relocations in order. */
export function firstAtOrAfter(sorted: Table<ElfRelocation>, offset: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted.at(middle)?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a relocation refers to, as a name that can be looked for in the running code. */
export type Referent =
  | { readonly kind: 'symbol'; readonly name: string; readonly local: boolean }
  /** Somewhere in a section of this object that holds several things: only comparable within the object. */
  | { readonly kind: 'section'; readonly section: number }
  /** A string or constant that the linker may have merged with others': its place says nothing. */
  | { readonly kind: 'merged' };

/** Of the symbols at a section's start: there are several. */
const several = 0xffff_ffff;

/** Says for each symbol of an object what it is to run-pre matching. */
export function referents(object: ElfFile): (symbol: ElfSymbol) => Referent {
  /** By section, the symbol at its start: its index plus 1. */
  const atStart = new Uint32Array(object.sections.length);
  for (const symbol of object.symbols) {
    const { sectionIndex, type } = symbol;
    if (sectionIndex >= atStart.length || symbol.value !== 0n) continue;
    if (type === SymbolType.SECTION || type === SymbolType.FILE) continue;
    const { name } = symbol;
    if (name === '' || name.startsWith('.L')) continue;
    atStart[sectionIndex] = atStart[sectionIndex] === 0 ? symbol.index + 1 : several;
  }
  return (symbol) => {
    const { sectionIndex, name } = symbol;
    if (sectionIndex === SectionIndex.UNDEF) return { kind: 'symbol', name, local: false };
    const section = object.sections[sectionIndex];
    if (section && (section.flags & SectionFlag.MERGE) !== 0) return { kind: 'merged' };
    if (symbol.type !== SymbolType.SECTION && name !== '' && !name.startsWith('.L'))
      return { kind: 'symbol', name, local: true };
    const first = atStart[sectionIndex] ?? 0;
    // A section of one function or variable: its start is that symbol.
    const only = first === 0 || first === several || symbol.value !== 0n ? undefined : object.symbols.at(first - 1);
    return only === undefined
      ? { kind: 'section', section: sectionIndex }
      : { kind: 'symbol', name: only.name, local: true };
  };
}
