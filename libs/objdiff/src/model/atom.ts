import type { ElfSection, ElfSymbol, List } from '#libs/elf';
import type { FunctionStarts } from './function-starts.js';
import { isAlwaysCopied } from './names.js';
import type { SectionRole } from './section-role.js';

/** What a relocation points at, with section symbols turned into what lies there. */
export type Target =
  | { readonly kind: 'atom'; readonly atom: Atom }
  /** A NUL-terminated string (latin1, without its NUL), by content. */
  | { readonly kind: 'string'; readonly text: string }
  /** A mergeable constant, by content. */
  | { readonly kind: 'constant'; readonly bytes: Uint8Array }
  | { readonly kind: 'external'; readonly name: string }
  /** Can't be told: `what` says why. Equal code means the same by it if each of the choices is the same. */
  | { readonly kind: 'unknown'; readonly what: string; readonly choices?: readonly Choice[] };

/** A place that may be meant. */
export interface Choice {
  readonly atom: Atom;
  readonly addend: number;
}

/** A relocation of an atom. */
export interface Reference {
  /** From the start of the atom that has it. */
  readonly at: number;
  /** `RelocationType`. */
  readonly type: number;
  readonly target: Target;
  /** From the target's start; for code it still has the distance to the instruction's end in it (-4 …). */
  readonly addend: number;
}

/** One entry of a special section. `at` of its references counts from the entry's start. */
export interface SpecialEntry {
  /** The section's name. */
  readonly section: string;
  /** Where in its function the code is that it describes. */
  readonly codeOffset: number;
  readonly bytes: Uint8Array;
  /** The code reference among them. */
  readonly references: readonly Reference[];
  /** Of an alternative: how many bytes of code it may write over. */
  readonly replaces?: number;
  /** Of an alternative: the instructions to put there. `at` counts from the replacement's start. */
  readonly replacement?: { readonly bytes: Uint8Array; readonly references: readonly Reference[] };
  /** Of an ORC entry: its half in `.orc_unwind`. */
  readonly unwind?: Uint8Array;
}

/**
 * The smallest thing that is compared, copied and named on its own: a function's section, or a variable. (Linkers call
 * it so; with -ffunction-sections -fdata-sections nearly every atom is a section.)
 */
export interface Atom {
  /** Among the atoms of its object. */
  readonly index: number;
  readonly name: string;
  readonly kind: 'function' | 'data';
  readonly role: SectionRole;
  readonly global: boolean;
  readonly section: ElfSection;
  /** Within its section; of a function: where it is entered. */
  readonly start: number;
  /** Of a function: padding before its entry that belongs to it (`__pfx_f`, `__cfi_f`): the kernel may write code there. */
  readonly prefix: Uint8Array;
  readonly sizeBytes: number;
  /** Empty if it is all zeros without bytes in the file (.bss). */
  readonly bytes: Uint8Array;
  /** All symbols in it: one, or several functions (aliases, or code that shares a section). */
  readonly symbols: readonly ElfSymbol[];
  /** Those of them that are functions. */
  readonly functions: FunctionStarts;
  /** In order of `at`. */
  readonly references: List<Reference>;
  /** Of a function: where a call of `__fentry__` had been that the build has turned into a nop (recordmcount does). */
  readonly noppedCallAt: number | undefined;
  /** Of a function: does it begin with a call of `__fentry__` that ftrace knows of? */
  readonly isTraced: boolean;
  /** Of a function: the entries of special sections that describe its code, by section, then in their order there. */
  readonly special: List<SpecialEntry>;
}

/** An object's atoms: those of a section follow each other, in the order of their starts. */
export interface PlacedAtoms {
  readonly all: readonly Atom[];
  /** Where a section's atoms are in `all`: the first, and behind the last. */
  rangeOf(section: number): readonly [from: number, to: number];
}

/** An atom as it is, but for some of what it has. */
export function changedAtom(atom: Atom, changes: Partial<Atom>): Atom {
  return Object.create(atom, Object.getOwnPropertyDescriptors(changes)) as Atom;
}

/** Has it several functions that don't start at the same place? Then calls between them have no relocations. */
export function isShared(atom: Atom): boolean {
  return atom.kind === 'function' && atom.functions.areApart;
}

/**
 * Has this variable no state that counts, so that new code may have a copy of its own? Such ones have no twins. Constants
 * without a name are the compiler's own, e.g. a switch's table: nobody else can have their address.
 */
export function isCopied(atom: Atom): boolean {
  if (atom.kind !== 'data') return false;
  if (atom.role === 'once' || atom.role === 'dyndbg' || isAlwaysCopied(atom.name)) return true;
  return atom.symbols.length === 0 && (atom.role === 'readonly' || isSanitizerData(atom));
}

/** `struct *_data` of UBSAN (lib/ubsan.h): where in the source the check is, and whether it has been reported. */
export function isSanitizerData({ role, section }: Atom): boolean {
  return (
    role === 'data' && /^\.data\.(?:rel\.local\.|rel\.)?\.L(?:ubsan_(?:data|type)\d+|__unnamed_\d+)$/.test(section.name)
  );
}
