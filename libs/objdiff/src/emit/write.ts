import {
  type NewRelocation,
  type ObjectBuilder,
  SectionFlag,
  type SectionHandle,
  SectionIndex,
  SymbolBinding,
  type SymbolHandle,
  SymbolType,
} from '#libs/elf';
import { listAt } from '../model/lists.js';
import type { Layout } from './code.js';
import type { OutputSection, Place, PlannedRelocation, Resolved } from './output.js';

/** Gives the builder sections, symbols and relocations: ordinary ones, and for each owner those of the livepatch loader. */
export function writeSections(sections: readonly OutputSection[], layout: Layout, builder: ObjectBuilder): void {
  const writer = new Writer(sections, builder);
  for (const place of layout.places.values()) writer.symbolOf(place);
  for (const section of sections) writer.relocate(section);
}

class Writer {
  private readonly handles = new Map<OutputSection, SectionHandle>();
  private readonly sectionSymbols = new Map<OutputSection, SymbolHandle>();
  private readonly named = new Map<string, SymbolHandle>();

  constructor(
    sections: readonly OutputSection[],
    private readonly builder: ObjectBuilder,
  ) {
    const binding = SymbolBinding.LOCAL;
    for (const section of sections) {
      const handle = section.addTo(builder);
      this.handles.set(section, handle);
      const symbol = builder.addSymbol({ name: '', binding, type: SymbolType.SECTION, section: handle });
      this.sectionSymbols.set(section, symbol);
    }
  }

  relocate(section: OutputSection): void {
    const target = this.handles.get(section);
    if (target === undefined) return;
    const groups = new Map<string, NewRelocation[]>([['', []]]);
    for (const relocation of section.relocations) {
      const owner = relocation.target.kind === 'klp' ? klpOwner(relocation) : '';
      listAt(groups, owner).push(this.relocation(relocation));
    }
    for (const [owner, relocations] of groups) {
      relocations.sort((a, b) => a.offset - b.offset);
      if (owner === '') this.builder.addRelocations(target, relocations);
      else
        this.builder.addRelocations(target, relocations, {
          name: `.klp.rela.${owner}.${section.name}`,
          flags: SectionFlag.ALLOC | SectionFlag.INFO_LINK | SectionFlag.RELA_LIVEPATCH,
        });
    }
  }

  private relocation({ offset, type, target, addend }: PlannedRelocation): NewRelocation {
    if (target.kind !== 'place') return { offset, type, symbol: this.external(target), addend };
    const symbol = this.symbolOf(target.place);
    if (symbol !== undefined) return { offset, type, symbol, addend };
    const section = this.sectionSymbols.get(target.place.section);
    if (section === undefined) throw new RangeError(`${target.place.section.name} isn't among the module's sections`);
    return { offset, type, symbol: section, addend: addend + target.place.offset };
  }

  /** The symbol of a named place, made when it is first asked for. */
  symbolOf(place: Place): SymbolHandle | undefined {
    const { symbol, section, offset } = place;
    const handle = this.handles.get(section);
    if (symbol === undefined || handle === undefined) return undefined;
    return this.once(`${section.name} ${offset} ${symbol.name}`, () =>
      this.builder.addSymbol({
        name: symbol.name,
        binding: symbol.global === true ? SymbolBinding.GLOBAL : SymbolBinding.LOCAL,
        type: symbol.type,
        section: handle,
        value: offset,
        sizeBytes: symbol.sizeBytes,
      }),
    );
  }

  private external(target: Exclude<Resolved, { kind: 'place' }>): SymbolHandle {
    if (target.kind === 'import')
      return this.once(`import ${target.name}`, () => this.builder.addUndefined(target.name));
    const name = `.klp.sym.${target.owner}.${target.name},${target.sympos}`;
    return this.once(name, () =>
      this.builder.addSymbol({
        name,
        binding: SymbolBinding.GLOBAL,
        type: SymbolType.NOTYPE,
        section: SectionIndex.LIVEPATCH,
      }),
    );
  }

  private once(key: string, make: () => SymbolHandle): SymbolHandle {
    const known = this.named.get(key) ?? make();
    this.named.set(key, known);
    return known;
  }
}

/** Symbols of vmlinux can be resolved at once; a module's when the module that is patched is there. */
function klpOwner({ target, owner }: PlannedRelocation): string {
  return target.kind === 'klp' && target.owner === 'vmlinux' ? 'vmlinux' : owner;
}
