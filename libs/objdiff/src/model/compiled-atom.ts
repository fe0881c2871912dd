import type { ElfSection, ElfSymbol, List } from '#libs/elf';
import type { Atom, Reference, SpecialEntry } from './atom.js';
import { FunctionStarts } from './function-starts.js';
import { isPrefixName } from './names.js';
import type { SectionReferences } from './references.js';
import type { SectionRole } from './section-role.js';

/** What the lists of an object's atoms are made from when they are asked for. */
export interface AtomContents {
  symbols(from: number, to: number): readonly ElfSymbol[];
  /** Of a section: a view is made once for all that are asked for in a row. */
  bytes(section: ElfSection, from: number, to: number): Uint8Array;
  special(atom: Atom): List<SpecialEntry>;
}

/** Where an atom is in its section, and which of the object's sorted symbols are its own. */
export interface AtomPlace {
  readonly section: ElfSection;
  readonly role: SectionRole;
  readonly executable: boolean;
  readonly start: number;
  readonly sizeBytes: number;
  readonly firstSymbol: number;
  readonly endSymbol: number;
  /** Are there symbols of its padding among them? */
  readonly isPadded: boolean;
}

const noBytes = new Uint8Array(0);
const noReferences: readonly Reference[] = [];

/** An atom of an object: a few numbers, and views of what they stand for. */
export class CompiledAtom implements Atom {
  noppedCallAt: number | undefined = undefined;
  isTraced = false;
  readonly section: ElfSection;
  readonly role: SectionRole;
  readonly kind: 'function' | 'data';
  readonly start: number;
  readonly sizeBytes: number;
  private readonly firstSymbol: number;
  private readonly endSymbol: number;
  private readonly isPadded: boolean;
  private source: SectionReferences | undefined = undefined;
  private firstReference = 0;
  private endReference = 0;
  private starts: FunctionStarts | undefined = undefined;

  constructor(
    private readonly contents: AtomContents,
    readonly index: number,
    readonly name: string,
    readonly global: boolean,
    place: AtomPlace,
  ) {
    this.section = place.section;
    this.role = place.role;
    this.kind = place.executable ? 'function' : 'data';
    this.start = place.start;
    this.sizeBytes = place.sizeBytes;
    this.firstSymbol = place.firstSymbol;
    this.endSymbol = place.endSymbol;
    this.isPadded = place.isPadded;
  }

  get bytes(): Uint8Array {
    return this.contents.bytes(this.section, this.start, this.start + this.sizeBytes);
  }

  get prefix(): Uint8Array {
    return this.isPadded ? this.section.data.subarray(0, this.start) : noBytes;
  }

  get symbols(): readonly ElfSymbol[] {
    const all = this.contents.symbols(this.firstSymbol, this.endSymbol);
    return this.isPadded ? all.filter(({ name }) => !isPrefixName(name)) : all;
  }

  /** Kept where there are several symbols: each reference to the section asks for them. */
  get functions(): FunctionStarts {
    if (this.endSymbol - this.firstSymbol <= 1) return new FunctionStarts(this.symbols);
    this.starts ??= new FunctionStarts(this.symbols);
    return this.starts;
  }

  get references(): List<Reference> {
    return this.source?.between(this.firstReference, this.endReference, this.start) ?? noReferences;
  }

  get special(): List<SpecialEntry> {
    return this.contents.special(this);
  }

  /** Gives it the references of its section from one on to before another. */
  take(source: SectionReferences, first: number, end: number): void {
    this.source = source;
    this.firstReference = first;
    this.endReference = end;
  }

  /** Calls back with the index of each atom that a reference leads to, and which reference it is. */
  eachTarget(visit: (target: number, reference: number) => void): void {
    for (let at = this.firstReference; at < this.endReference; at++) {
      const target = this.source?.targetAt(at);
      if (target !== undefined) visit(target, at - this.firstReference);
    }
  }
}
