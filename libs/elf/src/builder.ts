import { SectionFlag, SectionIndex, SectionType, SymbolBinding } from './constants.js';
import { layOut } from './layout.js';
import type { NewRelocation, NewSection, NewSymbol, PlannedRelocations, SectionHandle, SymbolHandle } from './parts.js';

/** Builds a relocatable ELF64 file. The same calls give the same bytes. */
export class ObjectBuilder {
  private readonly sections: NewSection[] = [];
  private readonly symbols: NewSymbol[] = [];
  private readonly relocations: PlannedRelocations[] = [];

  addSection(section: NewSection): SectionHandle {
    this.sections.push(section);
    return { order: this.sections.length - 1 } as SectionHandle;
  }

  addSymbol(symbol: NewSymbol): SymbolHandle {
    this.symbols.push(symbol);
    return { order: this.symbols.length - 1 } as SymbolHandle;
  }

  /** A symbol that the loader must find elsewhere. */
  addUndefined(name: string): SymbolHandle {
    return this.addSymbol({ name, binding: SymbolBinding.GLOBAL, type: 0, section: SectionIndex.UNDEF });
  }

  /** Relocations for a section; the default name and flags are those of an ordinary `.rela` section. */
  addRelocations(
    target: SectionHandle,
    relocations: readonly NewRelocation[],
    as: { name?: string; flags?: number } = {},
  ): void {
    const of = this.sections[target.order];
    if (of === undefined || relocations.length === 0) return;
    this.relocations.push({
      name: as.name ?? `.rela${of.name}`,
      flags: as.flags ?? SectionFlag.INFO_LINK,
      target: target.order,
      relocations,
    });
  }

  build(): Uint8Array {
    for (const { name, type } of this.sections)
      if (type === SectionType.NOBITS) throw new RangeError(`${name}: give a NOBITS section its zeros as PROGBITS`);
    return layOut(this.sections, this.symbols, this.relocations);
  }
}
