import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
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
  ) {}

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
      return { at, type: relocation.type, target: { kind: 'external', name: symbol.name }, addend: relocation.addend };
    const target = this.elf.sections[symbol.sectionIndex];
    if (symbol.sectionIndex >= SectionIndex.LORESERVE || target === undefined)
      return unknown(`${symbol.name}: a symbol without a section`);
    const biases = this.biasesOf(relocation, section);
    const found = this.inSection(relocation, target, biases);
    return { at, type: relocation.type, ...found };
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
      const target = role === 'strings' ? stringIn(section, place + bias) : constantIn(section, place + bias);
      return target === undefined ? unknown('no string or constant there') : { target, addend: -bias };
    }
    const named = relocation.symbol.type !== SymbolType.SECTION;
    const candidates = named ? [Number(relocation.symbol.value)] : biases.map((bias) => place + bias);
    const found = candidates.map((candidate) => this.atomAt(section, candidate));
    const [atom] = found;
    if (atom === undefined || found.some((other) => other !== atom)) {
      const { target, addend } = unknown('which variable is meant, is not clear');
      const choices = found.flatMap((choice) => (choice ? [{ atom: choice, addend: place - choice.start }] : []));
      return { target: choices.length === found.length ? { ...target, choices } : target, addend };
    }
    return { target: { kind: 'atom', atom } as const, addend: place - atom.start };
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

const latin1 = new TextDecoder('latin1');

function stringIn(section: ElfSection, offset: number): Target | undefined {
  if (offset < 0 || offset >= section.data.length) return undefined;
  const end = section.data.indexOf(0, offset);
  if (end < 0) return undefined;
  return { kind: 'string', text: latin1.decode(section.data.subarray(offset, end)) };
}

function constantIn(section: ElfSection, offset: number): Target | undefined {
  const size = section.entrySizeBytes;
  if (size === 0 || size > 64 || offset < 0 || offset % size !== 0 || offset + size > section.data.length)
    return undefined;
  return { kind: 'constant', bytes: section.data.subarray(offset, offset + size) };
}
