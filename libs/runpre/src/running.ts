import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  RelocationType,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
} from '#libs/elf';
import type { KernelProfile } from '#libs/kernelimage';

/** Where a relocated field of the running code points: an address (see `RunningCode`), or a symbol defined elsewhere. */
export type RunningTarget = { readonly at: bigint } | { readonly name: string };

/**
 * Code as it ships: a linked vmlinux, or a module's .ko. A place in it is one number: the link-time address in vmlinux;
 * the section's index × 2^40 + offset in a .ko, which is not yet linked.
 */
export interface RunningCode {
  /** All places of symbols of that name, in the order by which the kernel counts sympos. */
  places(name: string): readonly bigint[];
  /** Bytes at a place; undefined where the file has none. */
  bytes(at: bigint, length: number): Uint8Array | undefined;
  /**
   * The symbol's place S that a relocated field at `at` stands for, given the type and addend that the compiler gave it;
   * undefined if it can't be told.
   */
  target(at: bigint, type: number, addend: number): RunningTarget | undefined;
}

/** The linked kernel: fields hold final values, so S = value − A (+ P where relative). */
export function runningKernel(profile: KernelProfile): RunningCode {
  const image = profile.image();
  return {
    places: (name) => profile.symbols(name).map(({ address }) => address),
    bytes: (at, length) => image.bytesAt(at, length),
    target(at, type, addend) {
      const wide = type === RelocationType.ABS64 || type === RelocationType.PC64;
      const field = image.bytesAt(at, wide ? 8 : 4);
      if (!field) return undefined;
      const value = readField(field, type);
      // Modulo 2^64: a per-cpu symbol lies near 0, two gigabytes beyond the kernel's addresses.
      const base = isRelative(type) ? value + at : value;
      return { at: BigInt.asUintN(64, base - BigInt(addend)) };
    },
  };
}

function readField(field: Uint8Array, type: number): bigint {
  const view = new DataView(field.buffer, field.byteOffset, field.length);
  if (field.length === 8) return view.getBigInt64(0, true);
  return BigInt(type === RelocationType.ABS32 ? view.getUint32(0, true) : view.getInt32(0, true));
}

export function isRelative(type: number): boolean {
  return type === RelocationType.PC32 || type === RelocationType.PLT32 || type === RelocationType.PC64;
}

const sectionShift = 40n;

/** A place in a relocatable file as one number. */
function placeOf(section: number, offset: bigint): bigint {
  return (BigInt(section) << sectionShift) + offset;
}

function offsetOf(place: bigint): number {
  return Number(BigInt.asUintN(Number(sectionShift), place));
}

function isDefined(section: number): boolean {
  return section !== SectionIndex.UNDEF && section < SectionIndex.LORESERVE;
}

/** A module as shipped: relocatable still, though its objects have been linked into one. */
export function runningModule(elf: ElfFile): RunningCode {
  const relocations = new Map<number, Map<number, ElfRelocation>>();
  for (const [section, list] of relocationsBySection(elf, isLoaded)) {
    relocations.set(section, new Map(list.map((relocation) => [relocation.offset, relocation])));
  }
  const byName = new Map<string, bigint[]>();
  for (const symbol of elf.symbols) {
    if (!isDefined(symbol.sectionIndex)) continue;
    const places = byName.get(symbol.name) ?? [];
    places.push(placeOf(symbol.sectionIndex, symbol.value));
    byName.set(symbol.name, places);
  }
  const sectionOf = (at: bigint): ElfSection | undefined => elf.sections[Number(at >> sectionShift)];
  const bytes = (at: bigint, length: number): Uint8Array | undefined => {
    const data = sectionOf(at)?.data;
    const from = offsetOf(at);
    return data && from + length <= data.length ? data.subarray(from, from + length) : undefined;
  };
  return {
    places: (name) => byName.get(name) ?? [],
    bytes,
    target(at, type, addend) {
      const section = sectionOf(at);
      const relocation = section && relocations.get(section.index)?.get(offsetOf(at));
      if (relocation) {
        const { symbol } = relocation;
        if (!isDefined(symbol.sectionIndex)) return { name: symbol.name };
        // Its own addend may count from the section where the compiler's counted from the symbol.
        const within = symbol.value + BigInt(relocation.addend - addend);
        return { at: placeOf(symbol.sectionIndex, within) };
      }
      // No relocation: the assembler knew the distance, both lie in one section.
      const field = bytes(at, 4);
      if (!field || !isRelative(type)) return undefined;
      return { at: at + readField(field, type) - BigInt(addend) };
    },
  };
}

function isLoaded({ flags }: ElfSection): boolean {
  return (flags & SectionFlag.ALLOC) !== 0;
}
