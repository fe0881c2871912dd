import {
  ElfError,
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  RelocationType,
  relocationWidth,
  SectionFlag,
  SectionIndex,
  SymbolType,
} from '#libs/elf';
import type { Atom, PlacedAtoms, Reference, Target } from './atom.js';
import { countAtOrBefore } from './lists.js';
import { pcBiases } from './pc-bias.js';
import type { SectionRole } from './section-role.js';

/** How often all of a file may be gone through for the strings that its code refers to, each reference for itself. */
const maxStringReads = 64;

/** Turns relocations into references: section symbols into what lies at their addend, strings into their content. */
export class Resolver {
  private stringBytesLeft: number;
  /** Relocations of a section come in a row. */
  private last: { readonly section: ElfSection; readonly data: Uint8Array } | undefined;

  constructor(
    private readonly elf: ElfFile,
    private readonly roles: readonly SectionRole[],
    private readonly atoms: PlacedAtoms,
  ) {
    this.stringBytesLeft = maxStringReads * elf.sizeBytes;
  }

  atomNumber(index: number): Atom | undefined {
    return this.atoms.all[index];
  }

  /**
   * The same as `reference`, for the first time. Linkers let strings share their ends, but references into each byte of a long one
   * are no code, and would be read for hours. @throws ElfError `too-large`
   */
  firstReference(relocation: ElfRelocation, section: ElfSection, start: number): Reference {
    const reference = this.reference(relocation, section, start);
    if (reference.target.kind === 'string') this.stringBytesLeft -= reference.target.text.length;
    if (this.stringBytesLeft < 0)
      throw new ElfError('too-large', section.offset, `${section.name}: strings that overlap too often`);
    return reference;
  }

  /** The reference that a relocation in `section` makes, its place counted from `start`. */
  reference(relocation: ElfRelocation, section: ElfSection, start: number): Reference {
    const { offset, type, addend, symbol } = relocation;
    const at = offset - start;
    const width = relocationWidth(type);
    const unknown = (what: string): Reference => ({ at, type, target: { kind: 'unknown', what }, addend });
    if (width === undefined) return unknown(`relocation type ${type}`);
    if (offset + width > section.sizeBytes || section.fileSizeBytes === 0)
      return unknown('a relocation outside of its section');
    const { sectionIndex } = symbol;
    if (sectionIndex === SectionIndex.UNDEF)
      return { at, type, target: { kind: 'external', name: symbol.name }, addend };
    const target = this.elf.sections[sectionIndex];
    if (sectionIndex >= SectionIndex.LORESERVE || target === undefined)
      return unknown(`${symbol.name}: a symbol without a section`);
    const found = this.inSection(symbol, addend, target, this.biasesOf(type, offset, section));
    return { at, type, target: found.target, addend: found.addend };
  }

  private biasesOf(type: number, offset: number, section: ElfSection): readonly number[] {
    const relative = type === RelocationType.PC32 || type === RelocationType.PLT32;
    if (!relative || (section.flags & SectionFlag.EXECINSTR) === 0) return noBias;
    return pcBiases(this.dataOf(section), offset);
  }

  private dataOf(section: ElfSection): Uint8Array {
    if (this.last?.section !== section) this.last = { section, data: section.data };
    return this.last.data;
  }

  private inSection(symbol: ElfSymbol, addend: number, section: ElfSection, biases: readonly number[]): Found {
    const role = this.roles[section.index];
    const value = Number(symbol.value);
    const place = value + addend;
    const unknown = (what: string): Found => ({
      target: { kind: 'unknown', what: `${section.name}: ${what}` },
      addend,
    });
    if (role === 'strings' || role === 'constants') {
      const [bias] = biases;
      if (bias === undefined || biases.length > 1) return unknown('which string or constant is meant, is not clear');
      const target = role === 'strings' ? stringIn(section, place + bias) : constantIn(section, place + bias);
      return target === undefined ? unknown('no string or constant there') : { target, addend: -bias };
    }
    if (symbol.type !== SymbolType.SECTION) {
      const atom = this.atomAt(section, value);
      if (atom === undefined) return unknown('which variable is meant, is not clear');
      return { target: { kind: 'atom', atom }, addend: place - atom.start };
    }
    return this.byPlace(section, place, biases, addend);
  }

  /** What lies at an offset of a section, for each reading of the instruction that refers to it. */
  private byPlace(section: ElfSection, place: number, biases: readonly number[], addend: number): Found {
    const found = biases.map((bias) => this.atomAt(section, place + bias));
    const [atom] = found;
    if (atom !== undefined && found.every((other) => other === atom))
      return { target: { kind: 'atom', atom }, addend: place - atom.start };
    const choices = found.flatMap((choice) => (choice ? [{ atom: choice, addend: place - choice.start }] : []));
    const what = `${section.name}: which variable is meant, is not clear`;
    const target: Target = { kind: 'unknown', what, ...(choices.length === found.length && { choices }) };
    return { target, addend };
  }

  /** The atom at an offset. Where a section is one atom, all offsets are its own, also those outside of it. */
  private atomAt(section: ElfSection, offset: number): Atom | undefined {
    const [from, to] = this.atoms.rangeOf(section.index);
    const { all } = this.atoms;
    if (to - from === 1) return all[from];
    const behind = countAtOrBefore(all, offset, ({ start }) => start, from, to);
    const atom = behind > from ? all[behind - 1] : undefined;
    if (atom === undefined) return undefined;
    // The place behind the last one can be about nothing else: an array's end, or where unwinding data stops.
    const isLast = behind === to;
    return offset <= atom.start + Math.max(0, atom.sizeBytes - (isLast ? 0 : 1)) ? atom : undefined;
  }
}

/** What lies in a section, and how far from its start the reference is. */
interface Found {
  readonly target: Target;
  readonly addend: number;
}

const noBias: readonly number[] = [0];

function stringIn(section: ElfSection, offset: number): Extract<Target, { kind: 'string' }> | undefined {
  if (offset < 0 || offset >= section.data.length) return undefined;
  const { data } = section;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const end = bytes.indexOf(0, offset);
  return end < 0 ? undefined : { kind: 'string', text: bytes.toString('latin1', offset, end) };
}

function constantIn(section: ElfSection, offset: number): Target | undefined {
  const size = section.entrySizeBytes;
  if (size === 0 || size > 64 || offset < 0 || offset % size !== 0 || offset + size > section.data.length)
    return undefined;
  return { kind: 'constant', bytes: section.data.subarray(offset, offset + size) };
}
