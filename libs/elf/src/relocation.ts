import { SectionType } from './constants.js';
import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import type { ElfSection } from './section.js';
import type { ElfSymbol } from './symbol.js';

/** One entry of a RELA section. */
export interface ElfRelocation {
  /** Where it applies, from the start of the section it is for. */
  readonly offset: number;
  /** `RelocationType`. */
  readonly type: number;
  readonly symbol: ElfSymbol;
  readonly addend: number;
}

export const relocationSizeBytes = 24;
const maxRelocations = 16_000_000;

/** Reads a RELA section. Offsets are not yet checked against the section they apply to: debug ones may be odd. */
export function readRelocations(section: ElfSection, symbols: readonly ElfSymbol[]): ElfRelocation[] {
  if (section.type === SectionType.REL) throw new ElfError('unsupported', section.offset, `${section.name}: REL`);
  if (section.entrySizeBytes !== relocationSizeBytes || section.sizeBytes % relocationSizeBytes !== 0)
    throw new ElfError('bad-relocation', section.offset, `${section.name}: entries of ${section.entrySizeBytes} bytes`);
  const count = section.sizeBytes / relocationSizeBytes;
  if (count > maxRelocations) throw new ElfError('too-large', section.offset, `${section.name}: ${count} relocations`);
  const cursor = new Cursor(section.data, section.name);
  return Array.from({ length: count }, (_, index) => {
    const base = index * relocationSizeBytes;
    const symbol = symbols[cursor.u32(base + 12)];
    if (symbol === undefined)
      throw new ElfError('bad-relocation', base + 12, `${section.name}: symbol ${cursor.u32(base + 12)}`);
    return { offset: cursor.size(base), type: cursor.u32(base + 8), symbol, addend: cursor.signed(base + 16) };
  });
}
