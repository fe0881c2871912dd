import { type ElfFile, type ElfRelocation, type ElfSection, sectionNamed, type Table } from '#libs/elf';
import { inOrder } from '../model/relocations.js';
import type { Resolver } from '../model/resolver.js';

/** `.altinstr_replacement`, and its relocations in order. */
export interface Alternatives {
  readonly section: ElfSection | undefined;
  readonly relocations: Table<ElfRelocation>;
}

export function alternativesOf(elf: ElfFile, relocations: ReadonlyMap<number, Table<ElfRelocation>>): Alternatives {
  const section = sectionNamed(elf, '.altinstr_replacement');
  return { section, relocations: inOrder(relocations.get(section?.index ?? -1)) };
}

/** One special section: where its entries and their relocations are. */
export interface SpecialTable {
  readonly section: ElfSection;
  readonly name: string;
  readonly data: Uint8Array;
  readonly entrySizeBytes: number;
  readonly count: number;
  /** In order. */
  readonly relocations: Table<ElfRelocation>;
  /** By entry, which of them is its first; behind the last entry, how many there are. */
  readonly firsts: Uint32Array;
  readonly resolver: Resolver;
  readonly alternatives: Alternatives;
  /** `.orc_unwind`, beside `.orc_unwind_ip`, and the size of its entries. */
  readonly unwind: { readonly data: Uint8Array; readonly sizeBytes: number } | undefined;
}
