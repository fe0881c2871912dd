/** How a special section's entries look (Linux 6.1 x86-64; the reader checks each section against it). */
export interface SpecialFormat {
  readonly section: string;
  readonly entrySizeBytes: number;
  readonly align: number;
  /** Where an entry has relocations; the first is the one to the code it describes. */
  readonly fields: readonly number[];
  /** Bytes that say nothing about what the code does: from, to. */
  readonly ignored?: readonly [from: number, to: number];
  /** Follows from the code alone, so equal code has equal entries. */
  readonly derived?: boolean;
  readonly writable?: boolean;
}

export const specialFormats: readonly SpecialFormat[] = [
  // struct bug_entry (asm-generic/bug.h): code, file, u16 line, u16 flags. Lines move with every edit above them.
  { section: '__bug_table', entrySizeBytes: 12, align: 1, fields: [0, 4], ignored: [8, 10], writable: true },
  // struct alt_instr (asm/alternative.h): code, replacement, u16 cpuid, u8 length, u8 replacement length.
  { section: '.altinstructions', entrySizeBytes: 12, align: 1, fields: [0, 4] },
  // struct exception_table_entry (asm/extable.h): code, fixup, type and data.
  { section: '__ex_table', entrySizeBytes: 12, align: 4, fields: [0, 4] },
  // struct jump_entry (linux/jump_label.h): code, target, key (64 bits; bit 0 and 1 are flags).
  { section: '__jump_table', entrySizeBytes: 16, align: 8, fields: [0, 4, 8], writable: true },
  // struct static_call_site (linux/static_call_types.h): code, key (bit 0 and 1 are flags).
  { section: '.static_call_sites', entrySizeBytes: 8, align: 4, fields: [0, 4], writable: true },
  // struct paravirt_patch_site (asm/paravirt_types.h): code, u8 type, u8 length.
  { section: '.parainstructions', entrySizeBytes: 16, align: 8, fields: [0] },
  { section: '.smp_locks', entrySizeBytes: 4, align: 4, fields: [0], derived: true },
  { section: '.retpoline_sites', entrySizeBytes: 4, align: 4, fields: [0], derived: true },
  { section: '.return_sites', entrySizeBytes: 4, align: 4, fields: [0], derived: true },
  { section: '__mcount_loc', entrySizeBytes: 8, align: 8, fields: [0], derived: true, writable: true },
  // struct orc_entry (asm/orc_types.h) is in .orc_unwind, 6 bytes each, beside these; unwind_module_init sorts both.
  { section: '.orc_unwind_ip', entrySizeBytes: 4, align: 4, fields: [0], derived: true },
];

export const unwindEntrySizeBytes = 6;

/** The format of a special section by its name. */
export function formatOf(section: string): SpecialFormat | undefined {
  return specialFormats.find((format) => format.section === section);
}
