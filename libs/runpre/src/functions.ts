import {
  type ElfFile,
  type ElfRelocation,
  type ElfSymbol,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
  SymbolType,
} from '#libs/elf';

/** A function of a compiled object, with the fields in it that a linker fills. */
export interface CompiledFunction {
  readonly name: string;
  readonly code: Uint8Array;
  /** Sorted; offsets from the function's start. */
  readonly relocations: readonly ElfRelocation[];
  /** Where it stands: what section symbols refer to. */
  readonly section: number;
  readonly offset: number;
}

/** All functions of an object, by section and offset. */
export function functionsOf(object: ElfFile): readonly CompiledFunction[] {
  const relocations = relocationsBySection(object, ({ flags }) => (flags & SectionFlag.EXECINSTR) !== 0);
  const functions: CompiledFunction[] = [];
  for (const symbol of object.symbols) {
    const section = object.sections[symbol.sectionIndex];
    if (symbol.type !== SymbolType.FUNC || symbol.sizeBytes === 0 || !section) continue;
    if ((section.flags & SectionFlag.EXECINSTR) === 0) continue;
    const offset = Number(symbol.value);
    const end = offset + symbol.sizeBytes;
    functions.push({
      name: symbol.name,
      code: section.data.subarray(offset, end),
      relocations: (relocations.get(section.index) ?? [])
        .filter((relocation) => relocation.offset >= offset && relocation.offset < end)
        .map((relocation) => ({ ...relocation, offset: relocation.offset - offset }))
        .sort((a, b) => a.offset - b.offset),
      section: section.index,
      offset,
    });
  }
  return functions.sort((a, b) => a.section - b.section || a.offset - b.offset);
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
    atStart.set(symbol.sectionIndex, [...(atStart.get(symbol.sectionIndex) ?? []), symbol.name]);
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
