import { type ElfRelocation, type ElfSection, type List, Table } from '#libs/elf';
import type { Atom, Reference } from './atom.js';
import { entry } from './relocations.js';
import type { Resolver } from './resolver.js';

/**
 * The references of a section: a number each, the atom that is referred to. The rest stands in the file, from which a reference is
 * made when it's asked for.
 */
export class SectionReferences {
  constructor(
    private readonly section: ElfSection,
    /** In the order of their offsets. */
    private readonly relocations: Table<ElfRelocation>,
    /** By relocation of the object, of which these begin at `base`: the index of an atom plus 1, or 0. */
    private readonly targets: Uint32Array,
    private readonly base: number,
    private readonly resolver: Resolver,
  ) {}

  /** Finds out what each is about. */
  resolve(): void {
    for (let at = 0; at < this.relocations.length; at++) {
      const { target } = this.resolver.firstReference(entry(this.relocations, at), this.section, 0);
      if (target.kind === 'atom') this.targets[this.base + at] = target.atom.index + 1;
    }
  }

  /** The index of the atom that a relocation refers to, if it does. */
  targetAt(at: number): number | undefined {
    const target = this.targets[this.base + at] ?? 0;
    return target === 0 ? undefined : target - 1;
  }

  /** Those of an atom that begins at `start`. */
  between(from: number, to: number, start: number): List<Reference> {
    return Table.of(to - from, (index) => this.at(from + index, start));
  }

  private at(at: number, start: number): Reference {
    const relocation = entry(this.relocations, at);
    const target = this.targetAt(at);
    const atom = target === undefined ? undefined : this.resolver.atomNumber(target);
    return atom === undefined
      ? this.resolver.reference(relocation, this.section, start)
      : referenceTo(atom, relocation, start);
  }
}

function referenceTo(atom: Atom, { offset, type, symbol, addend }: ElfRelocation, start: number): Reference {
  const place = Number(symbol.value) + addend;
  return { at: offset - start, type, target: { kind: 'atom', atom }, addend: place - atom.start };
}
