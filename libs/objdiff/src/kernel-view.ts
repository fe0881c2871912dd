/** One kallsyms entry: `type` is nm's letter (upper case = global), e.g. `T`, `t`, `D`, `b`, `A`. */
export interface KernelSymbol {
  readonly address: bigint;
  readonly type: string;
}

/** An exported symbol as Module.symvers has it. */
export interface KernelExport {
  /** The CRC that modversions checks, unsigned 32 bit. */
  readonly crc: number;
  /** `vmlinux`, or the exporting module's name (no path, no `.ko`). */
  readonly owner: string;
  /** EXPORT_SYMBOL_NS: such a symbol would need an import_ns tag. */
  readonly namespace?: string | undefined;
}

/** Structures whose size or members the emitted module must match. */
export type LoaderStruct = 'klp_func' | 'klp_object' | 'klp_patch' | 'module';

/** What emitting needs to know of the kernel that is to be patched. libs/kernelimage implements it. */
export interface KernelView {
  /** `uname -r`, e.g. `6.1.0-54-amd64`. */
  readonly release: string;
  /** The kernel's GNU build id, hex. */
  readonly buildId: string;
  /** The vermagic string as the kernel compares it, e.g. `6.1.0-54-amd64 SMP preempt mod_unload modversions `. */
  readonly vermagic: string;

  /** All kallsyms entries of vmlinux with that name, in address order: sympos n is the n-th of them. */
  symbols(name: string): readonly KernelSymbol[];

  /**
   * The symbols of that name in a module's own symbol table, in its order (the kernel counts sympos along it).
   * Absent, or undefined for a module that isn't known: nothing may refer to that module's private symbols.
   */
  moduleSymbols?(module: string, name: string): readonly KernelSymbol[] | undefined;

  /** The export of that name, by vmlinux or by a module. `module_layout` is one of them. */
  exportOf(name: string): KernelExport | undefined;

  /** A structure's size in bytes, from the kernel's BTF; undefined if it has no such structure. */
  sizeOf(struct: LoaderStruct): number | undefined;

  /** A member's offset in bytes, from the kernel's BTF. */
  offsetOf(struct: LoaderStruct, member: string): number | undefined;

  /**
   * Which of several equal names is the one compiled in that object file (1-based, in kallsyms order), as run-pre
   * matching found out; undefined = not decidable, and then what refers to it is refused.
   */
  sympos(objectFile: string, symbol: string): number | undefined;
}
