import {
  type ElfFile,
  type ElfSection,
  type ElfSymbol,
  SectionFlag,
  SectionType,
  SymbolBinding,
  SymbolType,
} from '#libs/elf';
import type { Atom } from './atom.js';
import type { SectionRole } from './section-role.js';

const atomless: ReadonlySet<SectionRole> = new Set(['ignored', 'special', 'strings', 'constants', 'export']);

/** Cuts a section into atoms: code stays whole, data is cut at each symbol. */
export function atomsOf(elf: ElfFile, section: ElfSection, role: SectionRole): Atom[] {
  if (atomless.has(role)) return [];
  const symbols = elf.symbols
    .filter((symbol) => symbol.sectionIndex === section.index && isNaming(symbol))
    .sort((a, b) => Number(a.value - b.value) || b.binding - a.binding || a.index - b.index);
  // An empty structure, e.g. lock_class_key without lockdep, is a section without a byte; it has an address all the same.
  if (section.sizeBytes === 0 && symbols.length === 0) return [];
  const executable = (section.flags & SectionFlag.EXECINSTR) !== 0;
  if (executable) return [atom(section, role, symbols, 0, section.sizeBytes, true)];
  const starts = [...new Set(symbols.map((symbol) => Number(symbol.value)))].filter(
    (start) => start <= section.sizeBytes,
  );
  if (starts[0] !== 0) starts.unshift(0);
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? section.sizeBytes;
    const own = symbols.filter((symbol) => Number(symbol.value) === start);
    return atom(section, role, own, start, end - start, false);
  });
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
