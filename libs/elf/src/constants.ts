// Names and numbers of the System V ABI (gABI chapters 4 and 5) and its x86-64 supplement.

export const ElfType = { REL: 1, EXEC: 2, DYN: 3 } as const;

export const SectionType = {
  NULL: 0,
  PROGBITS: 1,
  SYMTAB: 2,
  STRTAB: 3,
  RELA: 4,
  NOTE: 7,
  NOBITS: 8,
  REL: 9,
  GROUP: 17,
  SYMTAB_SHNDX: 18,
} as const;

export const SectionFlag = {
  WRITE: 0x1,
  ALLOC: 0x2,
  EXECINSTR: 0x4,
  MERGE: 0x10,
  STRINGS: 0x20,
  INFO_LINK: 0x40,
  /** Linux: a relocation section that the livepatch loader resolves, not the module loader. */
  RELA_LIVEPATCH: 0x0010_0000,
} as const;

export const SectionIndex = {
  UNDEF: 0,
  LORESERVE: 0xff00,
  /** Linux: a symbol that the livepatch loader resolves by its `.klp.sym.` name. */
  LIVEPATCH: 0xff20,
  ABS: 0xfff1,
  COMMON: 0xfff2,
  XINDEX: 0xffff,
} as const;

export const SymbolBinding = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;

export const SymbolType = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4 } as const;

/** Relocation types of x86-64; the names without their common prefix R_X86_64_. */
export const RelocationType = { NONE: 0, ABS64: 1, PC32: 2, PLT32: 4, ABS32: 10, ABS32S: 11, PC64: 24 } as const;

/** How many bytes a relocation changes; undefined for types that no kernel object has. */
export function relocationWidth(type: number): number | undefined {
  switch (type) {
    case RelocationType.NONE:
      return 0;
    case RelocationType.ABS64:
    case RelocationType.PC64:
      return 8;
    case RelocationType.PC32:
    case RelocationType.PLT32:
    case RelocationType.ABS32:
    case RelocationType.ABS32S:
      return 4;
    default:
      return undefined;
  }
}
