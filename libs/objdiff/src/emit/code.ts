import { SectionFlag, SectionType, SymbolType } from '#libs/elf';
import type { Atom } from '../model/atom.js';
import { coldParentName } from '../model/names.js';
import type { Findings } from '../findings.js';
import type { Selection } from '../select/selection.js';
import { OutputSection, type Place } from './output.js';

const int3 = 0xcc;

/** One included atom, and the object it is from. */
export interface Included {
  readonly diff: Selection;
  readonly atom: Atom;
  /** The atom as it goes into the module. */
  readonly code: Atom;
}

/** All code and data of the module, laid out, before any reference is settled. */
export interface Layout {
  readonly text: OutputSection;
  readonly data: readonly OutputSection[];
  readonly places: ReadonlyMap<Atom, Place>;
  readonly included: readonly Included[];
}

/**
 * Lays out code, then data. Before a module is unloaded the kernel looks for tasks that sleep in one of its replacing
 * functions (klp_check_stack), and takes the range of each from the next symbol it sees. New functions and cold parts can be
 * reached by a jump, so that no replacing function is on the stack. So they stand behind one, and their symbols begin with
 * `.L`, which kallsyms passes over: then each byte of code belongs to the range of a replacing function.
 * @param codeOf what goes into the module for a function
 */
export function layOut(diffs: readonly Selection[], codeOf: (diff: Selection, atom: Atom) => Atom): Layout {
  const text = new OutputSection('.text', SectionType.PROGBITS, SectionFlag.ALLOC | SectionFlag.EXECINSTR, int3);
  const places = new Map<Atom, Place>();
  const included: Included[] = [];
  for (const diff of inOrder(diffs)) {
    const added = new Set(diff.addedFunctions);
    const put = (atom: Atom, name: string) => {
      const code = codeOf(diff, atom);
      // Of the padding that belongs to a function, the kernel counts back from the entry.
      const offset = text.append(withPrefix(code), Math.max(16, atom.section.align)) + atom.prefix.length;
      const symbol = { name, type: SymbolType.FUNC, sizeBytes: code.sizeBytes };
      places.set(atom, { section: text, offset, symbol });
      included.push({ diff, atom, code });
    };
    for (const { atom, original } of diff.replacements) {
      put(atom, original.name);
      for (const cold of added)
        if (coldParentName(cold.name) === atom.name && added.delete(cold)) put(cold, `.L${cold.name}`);
    }
    for (const atom of added) put(atom, `.L${atom.name}`);
  }
  const data = layOutData(diffs, places, included);
  return { text, data, places, included };
}

/** A live patch has some 10 kB, a level of all fixes some hundreds; the kernel's space for modules is 1 GB in all. */
const maxModuleBytes = 32 * 2 ** 20;
/** A huge page's; what a section asks for is filled up with bytes. */
const maxAlign = 2 * 2 ** 20;

/** A variable without bytes in the object (.bss) has them in the module: its size must be looked at before. */
export function checkSize(diffs: readonly Selection[], findings: Findings): boolean {
  let left = maxModuleBytes;
  for (const { replacements, addedFunctions, data } of diffs)
    for (const atom of [...replacements.map((replacement) => replacement.atom), ...addedFunctions, ...data]) {
      left -= atom.sizeBytes + atom.section.align;
      if (left >= 0 && atom.section.align <= maxAlign) continue;
      const reason = `${atom.sizeBytes} bytes, aligned to ${atom.section.align}, and what is before it, are too much`;
      findings.refuse({ code: 'module-too-large', symbol: atom.name, reason });
      return false;
    }
  return true;
}

/** vmlinux first: its functions are always there. Objects with nothing but new functions come behind one that replaces. */
function inOrder(diffs: readonly Selection[]): Selection[] {
  return [...diffs].sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1));
}

function orderKey({ owner, replacements, objectFile }: Selection): string {
  const first = owner === 'vmlinux' ? 0 : 1;
  const behind = replacements.length > 0 ? 0 : 1;
  return `${first}\0${owner}\0${behind}\0${objectFile}`;
}

function layOutData(diffs: readonly Selection[], places: Map<Atom, Place>, included: Included[]): OutputSection[] {
  const writable = SectionFlag.ALLOC | SectionFlag.WRITE;
  const readonly = new OutputSection('.rodata', SectionType.PROGBITS, SectionFlag.ALLOC);
  const data = new OutputSection('.data', SectionType.PROGBITS, writable);
  const [descriptor] = diffs.flatMap((diff) => diff.data.filter(({ role }) => role === 'dyndbg'));
  const dyndbg = new OutputSection(descriptor?.section.name ?? '__dyndbg', SectionType.PROGBITS, writable);
  for (const diff of inOrder(diffs))
    for (const atom of diff.data) {
      const section = atom.role === 'dyndbg' ? dyndbg : atom.role === 'readonly' ? readonly : data;
      // An empty structure gets a byte: its address must be its own, and an empty section has none.
      const bytes = atom.bytes.length === 0 ? new Uint8Array(Math.max(1, atom.sizeBytes)) : atom.bytes;
      const offset = section.append(bytes, alignOf(atom));
      const symbol = { name: atom.name, type: SymbolType.OBJECT, sizeBytes: atom.sizeBytes };
      places.set(atom, { section, offset, symbol });
      included.push({ diff, atom, code: atom });
    }
  return [readonly, data, dyndbg];
}

function withPrefix({ prefix, bytes }: Atom): Uint8Array {
  return prefix.length === 0 ? bytes : Buffer.concat([prefix, bytes]);
}

/** What its section asks for, as far as its place in it kept to that. */
function alignOf(atom: Atom): number {
  let align = atom.section.align;
  while (align > 1 && atom.start % align !== 0) align /= 2;
  return align;
}
