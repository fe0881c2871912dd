import { SectionType } from './constants.js';
import type { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import type { ElfSection } from './section.js';
import type { ElfSymbol } from './symbol.js';
import { Table } from './table.js';

/** One entry of a RELA section: a view of its bytes in the file. */
export class ElfRelocation {
  constructor(
    private readonly table: RelocationTable,
    private readonly base: number,
  ) {}

  /** Where it applies, from the start of the section it is for. */
  get offset(): number {
    return this.table.cursor.size(this.base);
  }

  /** `RelocationType`. */
  get type(): number {
    return this.table.cursor.u32(this.base + 8);
  }

  get symbol(): ElfSymbol {
    const index = this.table.cursor.u32(this.base + 12);
    return this.table.symbols.at(index) ?? noSymbol(this.base, index);
  }

  get addend(): number {
    return this.table.cursor.signed(this.base + 16);
  }
}

class RelocationTable extends Table<ElfRelocation> {
  constructor(
    length: number,
    /** The whole file: a view for each of many small sections would take more than they have. */
    readonly cursor: Cursor,
    private readonly start: number,
    readonly symbols: Table<ElfSymbol>,
  ) {
    super(length);
  }

  protected entryAt(index: number): ElfRelocation {
    return new ElfRelocation(this, this.start + index * relocationSizeBytes);
  }
}

export const relocationSizeBytes = 24;
const maxRelocations = 16_000_000;

/**
 * Reads a RELA section; each entry is checked. Offsets are not yet checked against the section they apply to: debug ones may
 * be odd.
 */
export function readRelocations(section: ElfSection, symbols: Table<ElfSymbol>): Table<ElfRelocation> {
  if (section.type === SectionType.REL) throw new ElfError('unsupported', section.offset, `${section.name}: REL`);
  if (section.entrySizeBytes !== relocationSizeBytes || section.sizeBytes % relocationSizeBytes !== 0)
    throw new ElfError('bad-relocation', section.offset, `${section.name}: entries of ${section.entrySizeBytes} bytes`);
  const count = section.sizeBytes / relocationSizeBytes;
  if (count > maxRelocations) throw new ElfError('too-large', section.offset, `${section.name}: ${count} relocations`);
  const { file: cursor, offset: start } = section;
  for (let base = start; base < start + count * relocationSizeBytes; base += relocationSizeBytes) {
    const index = cursor.u32(base + 12);
    if (index >= symbols.length) noSymbol(base, index);
    cursor.size(base);
    cursor.signed(base + 16);
  }
  return new RelocationTable(count, cursor, start, symbols);
}

function noSymbol(base: number, index: number): never {
  throw new ElfError('bad-relocation', base + 12, `a relocation against symbol ${index}`);
}

/** By where they apply, equal places in the order of the file: the table itself, if it is so already and all are `wanted`. */
export function byOffset(
  relocations: Table<ElfRelocation>,
  wanted: (relocation: ElfRelocation) => boolean = () => true,
): Table<ElfRelocation> {
  let isInOrder = true;
  let last = -1;
  let count = 0;
  for (let index = 0; index < relocations.length; index++) {
    const relocation = relocations.at(index);
    if (relocation === undefined) continue;
    const { offset } = relocation;
    if (wanted(relocation)) count++;
    if (offset < last) isInOrder = false;
    last = offset;
  }
  if (isInOrder && count === relocations.length) return relocations;
  const offsets = new Float64Array(relocations.length);
  const order = new Uint32Array(count);
  let next = 0;
  let index = 0;
  for (const relocation of relocations) {
    offsets[index] = relocation.offset;
    if (wanted(relocation)) order[next++] = index;
    index++;
  }
  if (!isInOrder) order.sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0) || a - b);
  return relocations.select(order);
}
