import {
  ElfError,
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
  SymbolBinding,
  SymbolType,
} from '#libs/elf';

/** A function or variable of a compiled object, with the fields in it that a linker fills. */
export interface CompiledPart {
  readonly name: string;
  /** Its bytes. */
  readonly code: Uint8Array;
  /** Sorted; offsets from its start. */
  readonly relocations: readonly ElfRelocation[];
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

function partsOf(object: ElfFile, type: number, isWanted: (section: ElfSection) => boolean): readonly CompiledPart[] {
  const relocations = relocationsBySection(object, isWanted);
  for (const list of relocations.values()) list.sort((a, b) => a.offset - b.offset);
  const parts: CompiledPart[] = [];
  let left = maxOverlap * object.sizeBytes;
  for (const symbol of object.symbols) {
    const section = object.sections[symbol.sectionIndex];
    if (symbol.type !== type || symbol.sizeBytes === 0 || !section || !isWanted(section)) continue;
    const offset = Number(symbol.value);
    const end = offset + symbol.sizeBytes;
    // Cut off at the section's end, it would seem to be as short as what is there.
    if (end > section.data.length) throw new ElfError('bad-symbol', 0, `${symbol.name} runs out of ${section.name}`);
    left -= symbol.sizeBytes;
    if (left < 0) throw new ElfError('too-large', 0, `${section.name}: symbols that overlap too often`);
    parts.push({
      name: symbol.name,
      code: section.data.subarray(offset, end),
      relocations: within(relocations.get(section.index) ?? [], offset, end),
      section: section.index,
      offset,
      weak: symbol.binding === SymbolBinding.WEAK,
    });
  }
  return parts.sort((a, b) => a.section - b.section || a.offset - b.offset);
}

/** Aliases lie upon each other; a thousand functions on the same bytes are none. */
const maxOverlap = 4;

/** Those of a sorted list that lie in a range, their offsets counted from its start. */
function within(sorted: readonly ElfRelocation[], start: number, end: number): ElfRelocation[] {
  const found: ElfRelocation[] = [];
  for (let index = firstAtOrAfter(sorted, start); ; index++) {
    const relocation = sorted[index];
    if (relocation === undefined || relocation.offset >= end) return found;
    found.push({ ...relocation, offset: relocation.offset - start });
  }
}

function firstAtOrAfter(sorted: readonly ElfRelocation[], offset: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.offset ?? Infinity) < offset) low = middle + 1;
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

/** Says for each symbol of an object what it is to run-pre matching. */
export function referents(object: ElfFile): (symbol: ElfSymbol) => Referent {
  const atStart = new Map<number, string[]>();
  for (const symbol of object.symbols) {
    if (symbol.value !== 0n || symbol.name === '' || symbol.name.startsWith('.L')) continue;
    if (symbol.type === SymbolType.SECTION || symbol.type === SymbolType.FILE) continue;
    const names = atStart.get(symbol.sectionIndex);
    if (names === undefined) atStart.set(symbol.sectionIndex, [symbol.name]);
    else names.push(symbol.name);
  }
  return (symbol) => {
    if (symbol.sectionIndex === SectionIndex.UNDEF) return { kind: 'symbol', name: symbol.name, local: false };
    const section = object.sections[symbol.sectionIndex];
    if (section && (section.flags & SectionFlag.MERGE) !== 0) return { kind: 'merged' };
    if (symbol.type !== SymbolType.SECTION && symbol.name !== '' && !symbol.name.startsWith('.L')) {
      return { kind: 'symbol', name: symbol.name, local: true };
    }
    const names = atStart.get(symbol.sectionIndex) ?? [];
    // A section of one function or variable: its start is that symbol.
    return names.length === 1 && symbol.value === 0n && names[0] !== undefined
      ? { kind: 'symbol', name: names[0], local: true }
      : { kind: 'section', section: symbol.sectionIndex };
  };
}
