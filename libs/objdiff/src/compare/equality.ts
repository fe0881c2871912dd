import { type List, RelocationType, Table } from '#libs/elf';
import type { Twins } from '../correlate/twins.js';
import {
  type Atom,
  type Choice,
  isCopied,
  isShared,
  isSanitizerData,
  type Reference,
  type SpecialEntry,
  type Target,
} from '../model/atom.js';
import { isNumbered, shapeOf, sourceName } from '../model/names.js';
import { entry } from '../model/relocations.js';
import { formatOf } from '../special/formats.js';

/** `_ddebug.lineno` (linux/dynamic_debug.h): 18 bits at byte 32. */
const ddebugLine = { from: 32, to: 35, keep: [0x00, 0x00, 0xfc] } as const;
const maxDepth = 32;

/** Equality of what code and data say, up to the twin relation: same bytes, and references to the same things. */
export class Equality {
  constructor(private readonly twins: Twins) {}

  /** Do two references, at the same place, mean the same? */
  sameReference(a: Reference, b: Reference, depth = 0): boolean {
    if (a.at !== b.at || (a.type !== b.type && !(isPcRelative(a) && isPcRelative(b)))) return false;
    if (a.target.kind === 'unknown' && a.addend !== b.addend) return this.sameTarget(a.target, b.target, depth);
    if (a.addend !== b.addend && !sameFunctionInShared(a, b)) return false;
    return this.sameTarget(a.target, b.target, depth);
  }

  sameReferences(a: List<Reference>, b: List<Reference>, depth = 0): boolean {
    return (
      a.length === b.length &&
      a.every((reference, index) => {
        const other = b.at(index);
        return other !== undefined && this.sameReference(reference, other, depth);
      })
    );
  }

  private sameTarget(a: Target, b: Target, depth: number): boolean {
    if (a.kind === 'external' && b.kind === 'external') return shapeOf(a.name) === shapeOf(b.name);
    if (a.kind === 'string' && b.kind === 'string') return a.text === b.text;
    if (a.kind === 'constant' && b.kind === 'constant') return sameBytes(a.bytes, b.bytes);
    if (a.kind === 'atom' && b.kind === 'atom')
      return this.twins.originalOf(b.atom) === a.atom || this.sameCopies(a.atom, b.atom, depth);
    if (a.kind === 'unknown' && b.kind === 'unknown') return this.sameChoices(a.choices ?? [], b.choices ?? []);
    return false;
  }

  private sameChoices(a: readonly Choice[], b: readonly Choice[]): boolean {
    if (a.length === 0 || a.length !== b.length) return false;
    return a.every(({ atom, addend }, index) => {
      const other = b[index];
      return other !== undefined && addend === other.addend && this.twins.originalOf(other.atom) === atom;
    });
  }

  /** Two variables or snippets without twins that new code would have its own copy of: their content decides. */
  private sameCopies(a: Atom, b: Atom, depth: number): boolean {
    if (depth > maxDepth || this.twins.originalOf(b) !== undefined || this.twins.patchedOf(a) !== undefined)
      return false;
    if (a.role === 'aux' && b.role === 'aux') return this.sameContent(a, b, depth + 1) && this.sameSpecial(a, b);
    const constants = a.role === 'readonly' && b.role === 'readonly' && isNumbered(a.name) && isNumbered(b.name);
    if (!(isCopied(a) && isCopied(b)) && !constants) return false;
    const nameless = a.symbols.length === 0 && b.symbols.length === 0 && a.role === b.role;
    return (nameless || sourceName(a.name) === sourceName(b.name)) && this.sameContent(a, b, depth + 1);
  }

  /** Same size, bytes and references. */
  sameContent(a: Atom, b: Atom, depth = 0): boolean {
    if (a.sizeBytes !== b.sizeBytes || !this.sameReferences(a.references, b.references, depth)) return false;
    if (a.role === 'dyndbg' && b.role === 'dyndbg') return sameBytes(withoutLine(a.bytes), withoutLine(b.bytes));
    if (isSanitizerData(a) && isSanitizerData(b)) return sameBytes(withoutPlace(a), withoutPlace(b));
    return sameBytes(zeroed(a), zeroed(b));
  }

  /** Do the special sections say the same of two functions? Entries that only follow from the code are left out. */
  sameSpecial(a: Atom, b: Atom): boolean {
    const before = comparable(a);
    const after = comparable(b);
    return (
      before.length === after.length &&
      before.every((entry, index) => {
        const other = after.at(index);
        return other !== undefined && this.sameEntry(entry, other);
      })
    );
  }

  private sameEntry(a: SpecialEntry, b: SpecialEntry): boolean {
    if (a.section !== b.section || a.codeOffset !== b.codeOffset) return false;
    if (!this.sameReferences(besidesCode(a), besidesCode(b))) return false;
    if (!sameBytes(withoutIgnored(a), withoutIgnored(b))) return false;
    if (a.replacement === undefined || b.replacement === undefined) return a.replacement === b.replacement;
    return (
      sameBytes(a.replacement.bytes, b.replacement.bytes) &&
      this.sameReferences(a.replacement.references, b.replacement.references)
    );
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The assembler writes PC32 for a local and PLT32 for a global target of the same call. */
function isPcRelative(reference: Reference): boolean {
  return reference.type === RelocationType.PC32 || reference.type === RelocationType.PLT32;
}

/** A .bss variable may have become one with zeros in .data; as content that is no difference. */
function zeroed(atom: Atom): Uint8Array {
  return atom.bytes.length === 0 && atom.sizeBytes <= 1 << 20 ? new Uint8Array(atom.sizeBytes) : atom.bytes;
}

/** By section, there by where their code is. There may be very many, so they are sorted as numbers. */
function comparable({ special }: Atom): List<SpecialEntry> {
  const kept: number[] = [];
  const offsets = new Float64Array(special.length);
  const sections: string[] = [];
  let index = 0;
  for (const { section, codeOffset } of special) {
    if (formatOf(section)?.derived !== true) kept.push(index);
    sections.push(section);
    offsets[index++] = codeOffset;
  }
  kept.sort((a, b) => compareNames(sections[a] ?? '', sections[b] ?? '') || (offsets[a] ?? 0) - (offsets[b] ?? 0));
  return Table.of(kept.length, (at) => entry(special, kept[at] ?? 0));
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function besidesCode(entry: SpecialEntry): readonly Reference[] {
  return entry.references.filter(({ at }) => at !== 0);
}

function withoutIgnored(entry: SpecialEntry): Uint8Array {
  const ignored = formatOf(entry.section)?.ignored;
  if (ignored === undefined) return entry.bytes;
  const copy = entry.bytes.slice();
  copy.fill(0, ...ignored(copy.length));
  return copy;
}

function withoutLine(descriptor: Uint8Array): Uint8Array {
  const copy = descriptor.slice();
  for (let at = ddebugLine.from; at < ddebugLine.to && at < copy.length; at++)
    copy[at] = (copy[at] ?? 0) & (ddebugLine.keep[at - ddebugLine.from] ?? 0);
  return copy;
}

/** `struct source_location` (lib/ubsan.h): a file's name, then line and column of 4 bytes each. */
function withoutPlace(atom: Atom): Uint8Array {
  const [first] = atom.references;
  if (first?.at !== 0 || first.target.kind !== 'string' || atom.bytes.length <= 16) return atom.bytes;
  return atom.bytes.slice().fill(0, 8, 16);
}

/** In a section of several functions one may have moved, because another before it grew: is it the same function? */
function sameFunctionInShared(a: Reference, b: Reference): boolean {
  if (a.target.kind !== 'atom' || b.target.kind !== 'atom' || !isShared(a.target.atom)) return false;
  const before = functionAt(a.target.atom, a.addend);
  return before !== undefined && before === functionAt(b.target.atom, b.addend);
}

/** The name of the function that begins there; the addend of a call has the 4 bytes of its field in it. */
function functionAt(atom: Atom, addend: number): string | undefined {
  const starting = [...atom.functions.at(addend), ...atom.functions.at(addend + 4)];
  return starting.length === 1 ? starting[0]?.name : undefined;
}
