/** Structures of the kernel that tables of a compiled object are made of. */
export type TableStruct =
  | 'alt_instr'
  | 'bug_entry'
  | 'exception_table_entry'
  | 'jump_entry'
  | 'orc_entry'
  | 'paravirt_patch_site'
  | 'static_call_site'
  | 'pi_entry'
  | '_ddebug';

/** Sizes of such structures in bytes, from the kernel's BTF; what is left out follows from the object alone. */
export type TableSizes = Readonly<Partial<Record<TableStruct, number>>>;

/** Where one entry has relocations; the first is the one to the code that it describes. */
type Pattern = readonly number[];

/**
 * How a special section's entries look. Their size has changed from kernel to kernel, so it isn't here: it follows from the
 * distance of the relocations (special/measure.ts). What is here is where relocations stand.
 */
export interface SpecialFormat {
  readonly section: string;
  readonly align: number;
  /** One for each form that kernels have had. All entries of a section have one form's patterns. */
  readonly forms: readonly (readonly Pattern[])[];
  readonly struct?: TableStruct;
  /** Bytes of an entry of that size that say nothing about what the code does: from, to. */
  readonly ignored?: (entrySizeBytes: number) => readonly [from: number, to: number];
  /** The last entry isn't filled up to the size of the others. */
  readonly shortTail?: boolean;
  /** Follows from the code alone, so equal code has equal entries. */
  readonly derived?: boolean;
  /** Derived, and not even looked at before it is copied. */
  readonly onlyCopied?: boolean;
  readonly writable?: boolean;
}

const codeOnly = [[[0]]];

export const specialFormats: readonly SpecialFormat[] = [
  // struct bug_entry (asm-generic/bug.h): code, (format since 6.18), file, u16 line, u16 flags; without verbose BUG()s only
  // code and flags. Lines move with every edit above them.
  {
    section: '__bug_table',
    struct: 'bug_entry',
    align: 1,
    forms: [
      [[0, 4]],
      [[0]],
      [
        [0, 8],
        [0, 4, 8],
      ],
    ],
    ignored: (size) => (size < 12 ? [0, 0] : [size - 4, size - 2]),
    writable: true,
  },
  // struct alt_instr (asm/alternative.h): code, replacement (none where it is empty), what the CPU must have, lengths.
  { section: '.altinstructions', struct: 'alt_instr', align: 1, forms: [[[0, 4], [0]]] },
  // struct exception_table_entry (asm/extable.h): code, fixup, then type and data, in older kernels a handler, or nothing.
  { section: '__ex_table', struct: 'exception_table_entry', align: 4, forms: [[[0, 4]], [[0, 4, 8]]] },
  // struct jump_entry (linux/jump_label.h): code, target, key (bits 0 and 1 are flags); before 4.20 each of 64 bits.
  { section: '__jump_table', struct: 'jump_entry', align: 8, forms: [[[0, 4, 8]], [[0, 8, 16]]], writable: true },
  // struct static_call_site (linux/static_call_types.h): code, key (bits 0 and 1 are flags).
  { section: '.static_call_sites', struct: 'static_call_site', align: 4, forms: [[[0, 4]]], writable: true },
  // struct paravirt_patch_site (asm/paravirt_types.h): code, type, length. Each is aligned, which leaves the last one short.
  { section: '.parainstructions', struct: 'paravirt_patch_site', align: 8, forms: codeOnly, shortTail: true },
  { section: '.smp_locks', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  { section: '.retpoline_sites', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  { section: '.return_sites', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  // Where calls are counted (since 6.2), where indirect calls check their target's type (since 6.1, clang).
  { section: '.call_sites', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  { section: '.cfi_sites', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  { section: '.kcfi_traps', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
  { section: '__mcount_loc', align: 8, forms: codeOnly, derived: true, writable: true },
  // struct orc_entry (asm/orc_types.h) is in .orc_unwind, beside these; unwind_module_init sorts both.
  { section: '.orc_unwind_ip', align: 4, forms: codeOnly, derived: true, onlyCopied: true },
];

const byName = new Map(specialFormats.map((format) => [format.section, format]));

/** The format of a special section by its name. */
export function formatOf(section: string): SpecialFormat | undefined {
  return byName.get(section);
}

/**
 * Where an alternative's two lengths are, of the code and of its replacement: behind a 16-bit CPU feature, or since 6.3
 * behind that and 16 bits of flags. (4.1 to 5.11 had a third length after them, of padding.)
 */
export function alternativeLengths(entrySizeBytes: number): { code: number; replacement: number } | undefined {
  if (entrySizeBytes === 12 || entrySizeBytes === 13) return { code: 10, replacement: 11 };
  if (entrySizeBytes === 14) return { code: 12, replacement: 13 };
  return undefined;
}
