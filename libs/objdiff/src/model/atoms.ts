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
  if (executable && role !== 'aux') return [code(section, role, symbols)];
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

/** Finds where snippets begin: a relative jump's addend has the 4 bytes of its own field in it, a table's has not. */
export function cutsOf(
  elf: ElfFile,
  roles: readonly SectionRole[],
  relocations: ReadonlyMap<number, readonly ElfRelocation[]>,
): Cuts {
  const cuts = new Map<number, Set<number>>();
  for (const [index, list] of relocations) {
    const executable = ((elf.sections[index]?.flags ?? 0) & SectionFlag.EXECINSTR) !== 0;
    const isTable = elf.sections[index]?.name === '__ex_table';
    if ((!executable && !isTable) || roles[index] === 'aux') continue;
    const ownField = isTable ? 0 : 4;
    for (const { symbol, addend } of list)
      if (roles[symbol.sectionIndex] === 'aux') {
        const known = cuts.get(symbol.sectionIndex) ?? new Set();
        cuts.set(symbol.sectionIndex, known.add(Number(symbol.value) + addend + ownField));
      }
  }
  return cuts;
}

const noBytes = new Uint8Array(0);

function isNaming(symbol: ElfSymbol): boolean {
  return symbol.type !== SymbolType.SECTION && symbol.type !== SymbolType.FILE && symbol.name !== '';
}

/** Padding before a function: nops that calls are counted in (objtool), or the type that an indirect call expects (clang). */
const prefixName = /^__(?:pfx|cfi)_(.+)$/;

/** A section of code, as one atom. Padding before its function is set apart: the function is where its symbol is. */
function code(section: ElfSection, role: SectionRole, symbols: readonly ElfSymbol[]): Atom {
  const functions = symbols.filter(({ name }) => !prefixName.test(name));
  const [first] = functions;
  const isPadded = functions.length < symbols.length && functions.every(({ value }) => value === first?.value);
  const entry = isPadded ? Number(first?.value ?? 0) : 0;
  const start = entry <= section.data.length ? entry : 0;
  const own = isPadded ? functions : symbols;
  return {
    ...atom(section, role, own, start, section.sizeBytes - start, true),
    prefix: section.data.subarray(0, start),
  };
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
    prefix: noBytes,
    symbols,
    references: [],
    isTraced: false,
    special: [],
  };
}

/** Of several names for one place, the one its section is called after; else the first (globals come first). */
function namingSymbol(section: ElfSection, symbols: readonly ElfSymbol[]): ElfSymbol | undefined {
  return symbols.find((symbol) => section.name.endsWith(`.${symbol.name}`)) ?? symbols[0];
}
