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
import type { Atom, Reference, Target } from './atom.js';
import { lastAtOrBefore } from './lists.js';
import { pcBiases } from './pc-bias.js';
import type { SectionRole } from './section-role.js';

/** Turns relocations into references: section symbols into what lies at their addend, strings into their content. */
export class Resolver {
  constructor(
    private readonly elf: ElfFile,
    private readonly roles: readonly SectionRole[],
    /** By section index, in the order of their starts. */
    private readonly atoms: readonly (readonly Atom[])[],
  ) {
    this.stringBytesLeft = 2 * elf.sizeBytes;
  }

  // An object has some ten references for each thing that is referred to.
  private readonly externals: Target[] = [];
  private readonly targets = new Map<Atom, Target>();
  private readonly strings = new Map<ElfSection, Map<number, Target | undefined>>();
  private stringBytesLeft: number;

  /** The reference that a relocation in `section` makes, its place counted from `start`. */
  reference(relocation: ElfRelocation, section: ElfSection, start: number): Reference {
    const at = relocation.offset - start;
    const width = relocationWidth(relocation.type);
    const unknown = (what: string): Reference => ({
      at,
      type: relocation.type,
      target: { kind: 'unknown', what },
      addend: relocation.addend,
    });
    if (width === undefined) return unknown(`relocation type ${relocation.type}`);
    if (relocation.offset + width > section.sizeBytes || section.data.length === 0)
      return unknown('a relocation outside of its section');
    const { symbol } = relocation;
    if (symbol.sectionIndex === SectionIndex.UNDEF)
      return { at, type: relocation.type, target: this.externalOf(symbol), addend: relocation.addend };
    const target = this.elf.sections[symbol.sectionIndex];
    if (symbol.sectionIndex >= SectionIndex.LORESERVE || target === undefined)
      return unknown(`${symbol.name}: a symbol without a section`);
    const biases = this.biasesOf(relocation, section);
    const found = this.inSection(relocation, target, biases);
    return { at, type: relocation.type, target: found.target, addend: found.addend };
  }

  private externalOf(symbol: ElfSymbol): Target {
    let target = this.externals[symbol.index];
    if (target === undefined) this.externals[symbol.index] = target = { kind: 'external', name: symbol.name };
    return target;
  }

  private targetOf(atom: Atom): Target {
    let target = this.targets.get(atom);
    if (target === undefined) this.targets.set(atom, (target = { kind: 'atom', atom }));
    return target;
  }

  private biasesOf(relocation: ElfRelocation, section: ElfSection): readonly number[] {
    const relative = relocation.type === RelocationType.PC32 || relocation.type === RelocationType.PLT32;
    if (!relative || (section.flags & SectionFlag.EXECINSTR) === 0) return [0];
    return pcBiases(section.data, relocation.offset);
  }

  private inSection(relocation: ElfRelocation, section: ElfSection, biases: readonly number[]) {
    const role = this.roles[section.index];
    const place = Number(relocation.symbol.value) + relocation.addend;
    const unknown = (what: string): { target: Target; addend: number } => ({
      target: { kind: 'unknown', what: `${section.name}: ${what}` },
      addend: relocation.addend,
    });
    if (role === 'strings' || role === 'constants') {
      const [bias] = biases;
      if (bias === undefined || biases.length > 1) return unknown('which string or constant is meant, is not clear');
      const target = role === 'strings' ? this.stringAt(section, place + bias) : constantIn(section, place + bias);
      return target === undefined ? unknown('no string or constant there') : { target, addend: -bias };
    }
    if (relocation.symbol.type !== SymbolType.SECTION) {
      const atom = this.atomAt(section, Number(relocation.symbol.value));
      if (atom === undefined) return unknown('which variable is meant, is not clear');
      return { target: this.targetOf(atom), addend: place - atom.start };
    }
    return this.byPlace(section, place, biases, relocation.addend);
  }

  /** A string, read once. Linkers let strings share their ends, but references into each byte of a long one are no code. */
  private stringAt(section: ElfSection, offset: number): Target | undefined {
    const known = this.strings.get(section) ?? new Map<number, Target | undefined>();
    this.strings.set(section, known);
    if (known.has(offset)) return known.get(offset);
    const target = stringIn(section, offset);
    if (target !== undefined) this.stringBytesLeft -= target.text.length;
    if (this.stringBytesLeft < 0)
      throw new ElfError('too-large', section.offset, `${section.name}: strings that overlap too often`);
    known.set(offset, target);
    return target;
  }

  /** What lies at an offset of a section, for each reading of the instruction that refers to it. */
  private byPlace(section: ElfSection, place: number, biases: readonly number[], addend: number) {
    const found = biases.map((bias) => this.atomAt(section, place + bias));
    const [atom] = found;
    if (atom !== undefined && found.every((other) => other === atom))
      return { target: this.targetOf(atom), addend: place - atom.start };
    const choices = found.flatMap((choice) => (choice ? [{ atom: choice, addend: place - choice.start }] : []));
    const what = `${section.name}: which variable is meant, is not clear`;
    const target: Target = { kind: 'unknown', what, ...(choices.length === found.length && { choices }) };
    return { target, addend };
  }

  /** The atom at an offset. Where a section is one atom, all offsets are its own, also those outside of it. */
  private atomAt(section: ElfSection, offset: number): Atom | undefined {
    const atoms = this.atoms[section.index] ?? [];
    if (atoms.length === 1) return atoms[0];
    const atom = lastAtOrBefore(atoms, offset, ({ start }) => start);
    if (atom === undefined) return undefined;
    // The place behind the last one can be about nothing else: an array's end, or where unwinding data stops.
    const isLast = atom === atoms.at(-1);
    return offset <= atom.start + Math.max(0, atom.sizeBytes - (isLast ? 0 : 1)) ? atom : undefined;
  }
}

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
