import { type ElfFile, type ElfRelocation, type ElfSection, SectionFlag, sectionNamed } from '#libs/elf';
import type { Atom, Reference, SpecialEntry } from '../model/atom.js';
import type { Resolver } from '../model/resolver.js';
import { alternativeLengths, formatOf, type SpecialFormat, type TableSizes } from './formats.js';
import { measureEntries } from './measure.js';

export interface SpecialProblem {
  readonly section: string;
  readonly problem: string;
}

/** A reader's view of one object's relocations. */
interface Source {
  readonly elf: ElfFile;
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>;
  readonly resolver: Resolver;
  readonly sizes: TableSizes;
  /** `.orc_unwind`, beside `.orc_unwind_ip`. */
  readonly unwind: ElfSection | undefined;
  /** Of `.altinstr_replacement`, in order. */
  readonly replacements: readonly ElfRelocation[];
}

/** One entry, before it is known whose it is. */
interface RawEntry {
  readonly index: number;
  readonly count: number;
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly relocations: readonly ElfRelocation[];
}

/**
 * Gives each function its entries of the special sections; says which sections don't look as they should. Those that follow
 * from the code alone are many and of no use for comparing: they are read only `of` what is to be copied.
 */
export function readSpecialSections(
  elf: ElfFile,
  relocations: ReadonlyMap<number, readonly ElfRelocation[]>,
  resolver: Resolver,
  sizes: TableSizes,
  of: 'compared' | 'copied',
): SpecialProblem[] {
  const replacement = sectionNamed(elf, '.altinstr_replacement');
  const replacements = inOrder(relocations.get(replacement?.index ?? -1) ?? []);
  const source = { elf, relocations, resolver, sizes, unwind: sectionNamed(elf, '.orc_unwind'), replacements };
  const problems: SpecialProblem[] = [];
  for (const section of elf.sections) {
    const format = formatOf(section.name);
    if ((format?.onlyCopied === true) !== (of === 'copied')) continue;
    const problem = format && readSection(source, section, format);
    if (problem !== undefined) problems.push({ section: section.name, problem });
  }
  return problems;
}

function inOrder(relocations: readonly ElfRelocation[]): ElfRelocation[] {
  return relocations.filter(({ type }) => type !== 0).sort((a, b) => a.offset - b.offset);
}

function readSection(source: Source, section: ElfSection, format: SpecialFormat): string | undefined {
  const relocations = inOrder(source.relocations.get(section.index) ?? []);
  const known = format.struct && source.sizes[format.struct];
  const offsets = relocations.map(({ offset }) => offset);
  const isCode = (index: number) => {
    const target = source.elf.sections[relocations[index]?.symbol.sectionIndex ?? 0];
    return target !== undefined && (target.flags & SectionFlag.EXECINSTR) !== 0;
  };
  const measured = measureEntries(format, section.data.length, offsets, isCode, known);
  if ('problem' in measured) return measured.problem;
  const { entrySizeBytes, count } = measured;
  let next = 0;
  for (let index = 0; index < count; index++) {
    const start = index * entrySizeBytes;
    const first = next;
    while ((relocations[next]?.offset ?? Infinity) < start + entrySizeBytes) next++;
    const bytes = filled(section.data.subarray(start, start + entrySizeBytes), entrySizeBytes);
    const problem = readEntry(source, section, {
      index,
      count,
      start,
      bytes,
      relocations: relocations.slice(first, next),
    });
    if (problem !== undefined) return `entry ${index}: ${problem}`;
  }
  return undefined;
}

/** The last entry, filled up to the size of the others. */
function filled(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  if (bytes.length === sizeBytes) return bytes;
  const whole = new Uint8Array(sizeBytes);
  whole.set(bytes);
  return whole;
}

function readEntry(source: Source, section: ElfSection, raw: RawEntry): string | undefined {
  const references = raw.relocations.map((relocation) => source.resolver.reference(relocation, section, raw.start));
  const [code] = references;
  if (code === undefined) return 'no relocation to code';
  if (code.target.kind !== 'atom' || code.target.atom.kind !== 'function') return 'not about code of this object';
  const owner: Atom = code.target.atom;
  const entry: SpecialEntry = { section: section.name, codeOffset: code.addend, bytes: raw.bytes, references };
  if (section.name === '.altinstructions') return readAlternative(source, owner, entry, raw);
  if (section.name === '.orc_unwind_ip') return readUnwind(source, owner, entry, raw);
  owner.special.push(entry);
  return undefined;
}

/**
 * The replacement lies in `.altinstr_replacement`, with relocations of its own; the second field points at it. There is
 * none if it is empty, and in some kernels it is code that they have once for all (`__x86_indirect_alt_call_rax`).
 */
function readAlternative(source: Source, owner: Atom, entry: SpecialEntry, raw: RawEntry): string | undefined {
  const lengths = alternativeLengths(entry.bytes.length);
  if (lengths === undefined) return `alternatives of ${entry.bytes.length} bytes are not known`;
  const length = entry.bytes[lengths.replacement] ?? 0;
  const replaces = entry.bytes[lengths.code] ?? 0;
  const [, pointer] = raw.relocations;
  if (pointer === undefined) {
    if (length !== 0) return 'no replacement';
    owner.special.push({ ...entry, replaces });
    return undefined;
  }
  const section = source.elf.sections[pointer.symbol.sectionIndex];
  if (pointer.symbol.sectionIndex === 0) {
    owner.special.push({ ...entry, replaces });
    return undefined;
  }
  if (section?.name !== '.altinstr_replacement') return 'its replacement is not among the replacements';
  const start = Number(pointer.symbol.value) + pointer.addend;
  if (start < 0 || start + length > section.sizeBytes) return 'a replacement outside of its section';
  const references = source.replacements
    .slice(firstAtOrAfter(source.replacements, start), firstAtOrAfter(source.replacements, start + length))
    .map((relocation) => source.resolver.reference(relocation, section, start));
  owner.special.push({
    ...entry,
    replaces,
    references: entry.references.filter((reference: Reference) => reference.at === 0),
    replacement: { bytes: section.data.subarray(start, start + length), references },
  });
  return undefined;
}

function firstAtOrAfter(relocations: readonly ElfRelocation[], offset: number): number {
  let [low, high] = [0, relocations.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((relocations[middle]?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `.orc_unwind` is as long as its index: the size of its entries follows. */
function readUnwind(source: Source, owner: Atom, entry: SpecialEntry, raw: RawEntry): string | undefined {
  const section = source.unwind;
  const size = (section?.data.length ?? 0) / raw.count;
  if (section === undefined || size === 0 || !Number.isInteger(size)) return 'no half in .orc_unwind';
  const known = source.sizes.orc_entry;
  if (known !== undefined && known !== size)
    return `.orc_unwind has entries of ${size} bytes, but the kernel's struct orc_entry has ${known}`;
  owner.special.push({ ...entry, unwind: section.data.subarray(raw.index * size, (raw.index + 1) * size) });
  return undefined;
}
