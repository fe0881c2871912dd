import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ElfFile, type ElfSymbol, SectionFlag, SectionIndex, SymbolBinding } from '#libs/elf';
import type { KernelExport, KernelSymbol, KernelView, LoaderStruct, TableSizes, TableStruct } from '#libs/objdiff';
import { AddressSpace, readKernelElf } from './address-space.js';
import { checkFileSize, maxBytesOf, readBounded } from './bounded-file.js';
import { Btf } from './btf.js';
import { KernelImageError } from './errors.js';
import { type KallsymsEntry, parseKallsyms } from './kallsyms.js';
import { readModuleFile } from './module-file.js';
import { type ProfileData, profileDataSchema } from './profile-data.js';
import { parseSymvers, type SymversEntry } from './symvers.js';

/**
 * One of the vendor's kernels, as imported: what it is, what is in it, and how to compile for it. A folder:
 * `profile.json, vmlinux, kallsyms, btf, config, Module.symvers, headers/, modules/`.
 */
export class KernelProfile implements KernelView {
  private readonly byName = new Map<string, KallsymsEntry[]>();
  private sorted: readonly KallsymsEntry[] | undefined;
  private space: AddressSpace | undefined;
  private readonly modules = new Map<string, ElfFile>();

  constructor(
    /** Its folder, absolute. */
    readonly folder: string,
    readonly data: ProfileData,
    private readonly kallsyms: readonly KallsymsEntry[],
    private readonly exports: ReadonlyMap<string, SymversEntry>,
    readonly btf: Btf,
  ) {
    for (const symbol of kallsyms) {
      const equals = this.byName.get(symbol.name);
      if (equals) equals.push(symbol);
      else this.byName.set(symbol.name, [symbol]);
    }
  }

  get release(): string {
    return this.data.release;
  }

  get buildId(): string {
    return this.data.buildId;
  }

  get vermagic(): string {
    return this.data.vermagic;
  }

  /** Headers, Makefiles, scripts and objtool of the kernel, merged into one tree. Read only. */
  get headers(): string {
    return join(this.folder, 'headers');
  }

  symbols(name: string): readonly KernelSymbol[] {
    return this.byName.get(name) ?? [];
  }

  exportOf(name: string): KernelExport | undefined {
    return this.exports.get(name);
  }

  sizeOf(struct: LoaderStruct): number | undefined {
    return this.btf.struct(struct)?.sizeBytes;
  }

  offsetOf(struct: LoaderStruct, member: string): number | undefined {
    const found = this.btf.struct(struct);
    return found && this.btf.offsetOf(found, member);
  }

  /** Without run-pre matching nobody knows which of several equal names an object file holds. */
  sympos(_objectFile: string, symbol: string): number | undefined {
    return this.symbols(symbol).length === 1 ? 1 : undefined;
  }

  /** All symbols of vmlinux, sorted by address. */
  symbolsByAddress(): readonly KallsymsEntry[] {
    this.sorted ??= [...this.kallsyms].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    return this.sorted;
  }

  /** The bytes of vmlinux by address. */
  image(): AddressSpace {
    if (!this.space) {
      this.space = new AddressSpace(readKernelElf(this.bytesOf('vmlinux', maxBytesOf.vmlinux), 'vmlinux'));
    }
    return this.space;
  }

  private bytesOf(name: string, maxBytes: number): Buffer {
    const file = join(this.folder, name);
    try {
      checkFileSize(file, maxBytes);
      return readFileSync(file);
    } catch (error) {
      throw new KernelImageError('bad-profile', `${this.folder}: ${name}: ${String(error)}`, { cause: error });
    }
  }

  /** Names of all shipped modules. */
  moduleNames(): readonly string[] {
    return Object.keys(this.data.modules);
  }

  /** The shipped .ko file of a module, read; undefined if there is none of that name. */
  module(name: string): ElfFile | undefined {
    const known = this.modules.get(name);
    if (known) return known;
    const path = Object.hasOwn(this.data.modules, name) ? this.data.modules[name] : undefined;
    if (path === undefined) return undefined;
    const elf = readKernelElf(this.bytesOf(join('modules', path), maxBytesOf.module), path);
    this.modules.set(name, elf);
    return elf;
  }

  /**
   * Takes in a module that the vendor doesn't ship: from now on it is matched and looked up like the shipped ones.
   * @param ko the very file that the machines load.
   * @returns its name.
   * @throws KernelImageError `bad-module`
   */
  addModule(ko: Buffer): string {
    const { name, elf } = readModuleFile(ko, this.vermagic);
    if (Object.hasOwn(this.data.modules, name))
      throw new KernelImageError('bad-module', `the vendor ships a module ${name} itself`);
    this.modules.set(name, elf);
    return name;
  }

  /** In the order of the module's own symbol table: that is how the kernel's module_kallsyms counts equal names. */
  moduleSymbols(module: string, name: string): readonly KernelSymbol[] | undefined {
    const elf = this.module(module);
    return elf && symbolsNamed(elf, name);
  }

  /** Sizes of the structures that tables of compiled objects are made of, as far as the kernel's BTF has them. */
  tableSizes(): TableSizes {
    const known = tableStructs.map((struct) => [struct, this.btf.struct(struct)?.sizeBytes] as const);
    return Object.fromEntries(known.filter(([, sizeBytes]) => sizeBytes !== undefined));
  }
}

const tableStructs: readonly TableStruct[] = [
  'alt_instr',
  'bug_entry',
  'exception_table_entry',
  'jump_entry',
  'orc_entry',
  'paravirt_patch_site',
  'static_call_site',
  'pi_entry',
  '_ddebug',
];

/** The symbols of that name that a .ko file defines, in its order: that is how the kernel counts equal ones. */
export function symbolsNamed(module: ElfFile, name: string): readonly KernelSymbol[] {
  return module.symbols
    .filter((symbol) => symbol.name === name && symbol.sectionIndex !== SectionIndex.UNDEF)
    .map((symbol) => ({ address: symbol.value, type: letterOf(module, symbol) }));
}

/** nm's letter, as far as it matters here: text or data, local or global. */
function letterOf(elf: ElfFile, symbol: ElfSymbol): string {
  const flags = elf.sections[symbol.sectionIndex]?.flags ?? 0;
  const letter = (flags & SectionFlag.EXECINSTR) !== 0 ? 't' : (flags & SectionFlag.WRITE) !== 0 ? 'd' : 'r';
  return symbol.binding === SymbolBinding.LOCAL ? letter : letter.toUpperCase();
}

/**
 * Opens a profile folder that `importKernel` wrote.
 * @throws KernelImageError `bad-profile`
 */
export async function loadProfile(folder: string): Promise<KernelProfile> {
  const root = resolve(folder);
  const read = async (name: string, maxBytes: number = maxBytesOf.text): Promise<Buffer> => {
    try {
      return await readBounded(join(root, name), maxBytes);
    } catch (error) {
      const why = error instanceof RangeError ? `${name}: ${error.message}` : `no ${name}`;
      throw new KernelImageError('bad-profile', `${folder} is no kernel profile: ${why}`, { cause: error });
    }
  };
  const parsed = profileDataSchema.safeParse(jsonOf(await read('profile.json')));
  if (!parsed.success) throw new KernelImageError('bad-profile', `${folder}: profile.json is of another form`);
  const [kallsyms, symvers, btf] = await Promise.all([
    read('kallsyms', maxBytesOf.kallsyms),
    read('Module.symvers'),
    read('btf', maxBytesOf.btf),
  ]);
  const symbols = parseKallsyms(kallsyms.toString('latin1'));
  return new KernelProfile(root, parsed.data, symbols, parseSymvers(symvers.toString('utf8')), Btf.parse(btf));
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
