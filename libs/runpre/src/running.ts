import {
  byOffset,
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  RelocationType,
  relocationsBySection,
  SectionFlag,
  SectionIndex,
  SymbolNames,
  type Table,
} from '#libs/elf';
import type { KernelProfile } from '#libs/kernelimage';
import { firstAtOrAfter } from './functions.js';
import { Recent } from './recent.js';

/** Where a relocated field of the running code points: an address (see `RunningCode`), or a symbol defined elsewhere. */
export type RunningTarget = { readonly at: bigint } | { readonly name: string };

/**
 * Code as it ships: a linked vmlinux, or a module's .ko. A place in it is one number: the link-time address in vmlinux;
 * the section's index × 2^40 + offset in a .ko, which is not yet linked.
 */
export interface RunningCode {
  /** All places of symbols of that name, in the order by which the kernel counts sympos. */
  places(name: string): readonly bigint[];
  /** What lies at a place and behind it. */
  from(place: bigint): RunningPart;
}

/** Code from a place on, up to its section's end. Offsets count from that place. */
export interface RunningPart {
  /** Undefined where the file has none. */
  bytes(offset: number, length: number): Uint8Array | undefined;
  /** The symbol's place S that a relocated field stands for, given the type and addend of the compiler; undefined if it can't be told. */
  target(offset: number, type: number, addend: number): RunningTarget | undefined;
}

/** The linked kernel: fields hold final values, so S = value − A (+ P where relative). */
export function runningKernel(profile: KernelProfile): RunningCode {
  const image = profile.image();
  return {
    places: (name) => profile.symbols(name).map(({ address }) => address),
    from(place) {
      const section = image.sectionAt(place);
      const bytes = section === undefined ? noBytes : bytesFrom(section, Number(place - section.address));
      return {
        bytes,
        target(offset, type, addend) {
          const wide = type === RelocationType.ABS64 || type === RelocationType.PC64;
          const field = bytes(offset, wide ? 8 : 4);
          if (!field) return undefined;
          const value = readField(field, type);
          // Modulo 2^64: a per-cpu symbol lies near 0, two gigabytes beyond the kernel's addresses.
          const base = isRelative(type) ? value + place + BigInt(offset) : value;
          return { at: BigInt.asUintN(64, base - BigInt(addend)) };
        },
      };
    },
  };
}

const noBytes: RunningPart['bytes'] = () => undefined;

function bytesFrom({ data }: ElfSection, start: number): RunningPart['bytes'] {
  return (offset, length) => {
    const from = start + offset;
    return from + length <= data.length ? data.subarray(from, from + length) : undefined;
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
  const relocations = relocationsBySection(elf, isLoaded);
  for (const [section, table] of relocations) relocations.set(section, byOffset(table));
  const names = new SymbolNames(elf.symbols, ({ sectionIndex }) => isDefined(sectionIndex));
  const nameOf = new Recent((index: number) => elf.symbols.at(index)?.name ?? '');
  return {
    places: (name) => names.named(name).map(({ sectionIndex, value }) => placeOf(sectionIndex, value)),
    from(place) {
      const section = elf.sections[Number(place >> sectionShift)];
      const start = offsetOf(place);
      const bytes = section === undefined ? noBytes : bytesFrom(section, start);
      const relocated = section && relocations.get(section.index);
      const relocationAt = relocated && lastAtEach(relocated);
      return {
        bytes,
        target(offset, type, addend) {
          const relocation = relocationAt?.(start + offset);
          if (relocation) {
            const { symbol } = relocation;
            const { sectionIndex } = symbol;
            if (!isDefined(sectionIndex)) return { name: nameOf.get(symbol.index) };
            // Its own addend may count from the section where the compiler's counted from the symbol.
            const within = symbol.value + BigInt(relocation.addend - addend);
            return { at: placeOf(sectionIndex, within) };
          }
          // No relocation: the assembler knew the distance, both lie in one section.
          const field = bytes(offset, 4);
          if (!field || !isRelative(type)) return undefined;
          return { at: place + BigInt(offset) + readField(field, type) - BigInt(addend) };
        },
      };
    },
  };
}

/** Finds the last of the relocations at a place. Code is asked about from its start to its end: the next one is mostly near. */
function lastAtEach(relocations: Table<ElfRelocation>): (offset: number) => ElfRelocation | undefined {
  let next: number | undefined;
  return (offset) => {
    if (next === undefined || relocations.at(next)?.offset !== offset) next = firstAtOrAfter(relocations, offset);
    let last: ElfRelocation | undefined;
    for (let found = relocations.at(next); found?.offset === offset; found = relocations.at(next)) {
      last = found;
      next += 1;
    }
    return last;
  };
}

function isLoaded({ flags }: ElfSection): boolean {
  return (flags & SectionFlag.ALLOC) !== 0;
}
