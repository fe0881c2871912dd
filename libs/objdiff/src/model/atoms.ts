import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  SectionFlag,
  SectionType,
  SymbolBinding,
  SymbolType,
} from '#libs/elf';
import type { Atom } from './atom.js';
import { listAt } from './lists.js';
import type { SectionRole } from './section-role.js';

const atomless: ReadonlySet<SectionRole> = new Set(['ignored', 'special', 'strings', 'constants', 'export']);

/** Cuts a section into atoms: code stays whole, but for snippets, which have no names; data is cut at each symbol. */
export function atomsOf(section: ElfSection, role: SectionRole, named: readonly ElfSymbol[], cuts: Cuts): Atom[] {
  if (atomless.has(role)) return [];
  const symbols = named
    .filter(isNaming)
    .sort((a, b) => Number(a.value - b.value) || b.binding - a.binding || a.index - b.index);
  // An empty structure, e.g. lock_class_key without lockdep, is a section without a byte; it has an address all the same.
  if (section.sizeBytes === 0 && symbols.length === 0) return [];
  const executable = (section.flags & SectionFlag.EXECINSTR) !== 0;
  if (executable && role !== 'aux') return [atom(section, role, symbols, 0, section.sizeBytes, true)];
  const bySymbol = new Map<number, ElfSymbol[]>();
  for (const symbol of symbols) listAt(bySymbol, Number(symbol.value)).push(symbol);
  const starts = new Set([0, ...bySymbol.keys(), ...(cuts.get(section.index) ?? [])]);
  const sorted = [...starts].filter((start) => start >= 0 && start <= section.sizeBytes).sort((a, b) => a - b);
  return sorted.map((start, index) => {
    const end = sorted[index + 1] ?? section.sizeBytes;
    return atom(section, role, bySymbol.get(start) ?? [], start, end - start, executable);
  });
}

/** Where snippets begin, by the index of their section: at each place that code elsewhere jumps to. */
export type Cuts = ReadonlyMap<number, ReadonlySet<number>>;

/** Finds where snippets begin: a relative jump's addend has the 4 bytes of its own field in it. */
export function cutsOf(
  elf: ElfFile,
  roles: readonly SectionRole[],
  relocations: ReadonlyMap<number, readonly ElfRelocation[]>,
): Cuts {
  const cuts = new Map<number, Set<number>>();
  for (const [index, list] of relocations) {
    const executable = ((elf.sections[index]?.flags ?? 0) & SectionFlag.EXECINSTR) !== 0;
    if (!executable || roles[index] === 'aux') continue;
    for (const { symbol, addend } of list)
      if (roles[symbol.sectionIndex] === 'aux') {
        const known = cuts.get(symbol.sectionIndex) ?? new Set();
        cuts.set(symbol.sectionIndex, known.add(Number(symbol.value) + addend + 4));
      }
  }
  return cuts;
}

function isNaming(symbol: ElfSymbol): boolean {
  return symbol.type !== SymbolType.SECTION && symbol.type !== SymbolType.FILE && symbol.name !== '';
}

function atom(
  section: ElfSection,
  role: SectionRole,
  symbols: readonly ElfSymbol[],
  start: number,
  sizeBytes: number,
  executable: boolean,
): Atom {
  const naming = namingSymbol(section, symbols);
  const hasBytes = section.type !== SectionType.NOBITS;
  return {
    name: naming?.name ?? `${section.name}+${start}`,
    kind: executable ? 'function' : 'data',
    role,
    global: naming !== undefined && naming.binding !== SymbolBinding.LOCAL,
    section,
    start,
    sizeBytes,
    bytes: hasBytes ? section.data.subarray(start, start + sizeBytes) : new Uint8Array(0),
    symbols,
    references: [],
    special: [],
  };
}

/** Of several names for one place, the one its section is called after; else the first (globals come first). */
function namingSymbol(section: ElfSection, symbols: readonly ElfSymbol[]): ElfSymbol | undefined {
  return symbols.find((symbol) => section.name.endsWith(`.${symbol.name}`)) ?? symbols[0];
}
