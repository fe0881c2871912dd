import { ElfType, SectionFlag, SectionType, SymbolBinding } from './constants.js';
import { headerSizeBytes, sectionHeaderSizeBytes } from './header.js';
import type { NewSection, NewSymbol, PlannedRelocations } from './parts.js';
import { relocationSizeBytes } from './relocation.js';
import { StringTable } from './string-table.js';
import { symbolSizeBytes } from './symbol.js';

/** A section whose place in the file is still open. */
interface Placed extends NewSection {
  readonly link: number;
  readonly info: number;
}

const alignUp = (value: number, align: number) => Math.ceil(value / align) * align;

/** Orders sections (content, relocations, symbol and string tables), then writes header, bytes and section headers. */
export function layOut(
  sections: readonly NewSection[],
  symbols: readonly NewSymbol[],
  relocations: readonly PlannedRelocations[],
): Uint8Array {
  const symbolTableIndex = 1 + sections.length + relocations.length;
  const { positions, ordered, firstGlobal } = orderSymbols(symbols);
  const strings = new StringTable();
  const all: Placed[] = [
    { name: '', type: SectionType.NULL, flags: 0, align: 0, data: new Uint8Array(0), link: 0, info: 0 },
    ...sections.map((section) => ({ ...section, link: 0, info: 0 })),
    ...relocations.map((planned) => relocationSection(planned, positions, symbolTableIndex)),
    {
      name: '.symtab',
      type: SectionType.SYMTAB,
      flags: 0,
      align: 8,
      entrySizeBytes: symbolSizeBytes,
      data: symbolBytes(ordered, strings),
      link: symbolTableIndex + 1,
      info: firstGlobal,
    },
    { name: '.strtab', type: SectionType.STRTAB, flags: 0, align: 1, data: strings.bytes(), link: 0, info: 0 },
  ];
  const names = new StringTable();
  for (const section of all) names.add(section.name);
  names.add('.shstrtab');
  all.push({ name: '.shstrtab', type: SectionType.STRTAB, flags: 0, align: 1, data: names.bytes(), link: 0, info: 0 });
  return writeFile(all, names);
}

/** gABI: all local symbols come before the first global one. */
function orderSymbols(symbols: readonly NewSymbol[]) {
  const order = symbols.map((_, index) => index);
  const isLocal = (index: number) => symbols[index]?.binding === SymbolBinding.LOCAL;
  const sorted = [...order.filter(isLocal), ...order.filter((index) => !isLocal(index))];
  const positions = new Map(sorted.map((original, position) => [original, position + 1]));
  const ordered = sorted.flatMap((index) => symbols[index] ?? []);
  return { positions, ordered, firstGlobal: order.filter(isLocal).length + 1 };
}

function symbolBytes(symbols: readonly NewSymbol[], strings: StringTable): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * symbolSizeBytes);
  const view = new DataView(bytes.buffer);
  symbols.forEach((symbol, index) => {
    const base = (index + 1) * symbolSizeBytes;
    const section = typeof symbol.section === 'number' ? symbol.section : symbol.section.order + 1;
    view.setUint32(base, strings.add(symbol.name), true);
    view.setUint8(base + 4, (symbol.binding << 4) | symbol.type);
    view.setUint16(base + 6, section, true);
    view.setBigUint64(base + 8, BigInt(symbol.value ?? 0), true);
    view.setBigUint64(base + 16, BigInt(symbol.sizeBytes ?? 0), true);
  });
  return bytes;
}

function relocationSection(planned: PlannedRelocations, positions: Map<number, number>, symbolTable: number): Placed {
  const data = new Uint8Array(planned.relocations.length * relocationSizeBytes);
  const view = new DataView(data.buffer);
  planned.relocations.forEach((relocation, index) => {
    const base = index * relocationSizeBytes;
    view.setBigUint64(base, BigInt(relocation.offset), true);
    view.setUint32(base + 8, relocation.type, true);
    view.setUint32(base + 12, positions.get(relocation.symbol.order) ?? 0, true);
    view.setBigInt64(base + 16, BigInt(relocation.addend), true);
  });
  return {
    name: planned.name,
    type: SectionType.RELA,
    flags: planned.flags | SectionFlag.INFO_LINK,
    align: 8,
    entrySizeBytes: relocationSizeBytes,
    data,
    link: symbolTable,
    info: planned.target + 1,
  };
}

function writeFile(sections: readonly Placed[], names: StringTable): Uint8Array {
  let end = headerSizeBytes;
  const offsets = sections.map((section) => {
    if (section.type === SectionType.NULL) return 0;
    const offset = alignUp(end, section.align);
    end = offset + section.data.length;
    return offset;
  });
  const tableAt = alignUp(end, 8);
  const bytes = new Uint8Array(tableAt + sections.length * sectionHeaderSizeBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  view.setUint16(16, ElfType.REL, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(tableAt), true);
  view.setUint16(52, headerSizeBytes, true);
  view.setUint16(58, sectionHeaderSizeBytes, true);
  view.setUint16(60, sections.length, true);
  view.setUint16(62, sections.length - 1, true);
  sections.forEach((section, index) => {
    const base = tableAt + index * sectionHeaderSizeBytes;
    bytes.set(section.data, offsets[index] ?? 0);
    view.setUint32(base, names.add(section.name), true);
    view.setUint32(base + 4, section.type, true);
    view.setBigUint64(base + 8, BigInt(section.flags), true);
    view.setBigUint64(base + 24, BigInt(offsets[index] ?? 0), true);
    view.setBigUint64(base + 32, BigInt(section.data.length), true);
    view.setUint32(base + 40, section.link, true);
    view.setUint32(base + 44, section.info, true);
    view.setBigUint64(base + 48, BigInt(section.align), true);
    view.setBigUint64(base + 56, BigInt(section.entrySizeBytes ?? 0), true);
  });
  return bytes;
}
