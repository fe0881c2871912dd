import type { KernelExport, KernelSymbol, KernelView, LoaderStruct } from '#libs/objdiff';

const layouts: Readonly<Record<LoaderStruct, Readonly<Record<string, number>>>> = {
  klp_func: { sizeof: 152, old_name: 0, new_func: 8, old_sympos: 16 },
  klp_object: { sizeof: 168, name: 0, funcs: 8 },
  klp_patch: { sizeof: 200, mod: 0, objs: 8, replace: 24 },
  module: { sizeof: 896, name: 24, init: 312, exit: 848 },
};

/** A kernel of a handful of symbols, laid out as Linux 6.1 lays out what the loader reads. */
export class SmallKernel implements KernelView {
  readonly release = '6.1.0-small';
  readonly buildId = '0123456789abcdef0123456789abcdef01234567';
  readonly vermagic = '6.1.0-small SMP preempt mod_unload modversions ';

  constructor(
    /** `name: letters` of kallsyms, in address order. */
    private readonly known: Readonly<Record<string, string>>,
    private readonly exported: readonly string[] = [],
    private readonly modules: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
    private readonly positions: Readonly<Record<string, number>> = {},
    private readonly withoutBtf = false,
  ) {}

  symbols(name: string): readonly KernelSymbol[] {
    return symbolsOf(this.known[name]);
  }

  moduleSymbols(module: string, name: string): readonly KernelSymbol[] | undefined {
    const own = this.modules[module];
    return own && symbolsOf(own[name]);
  }

  exportOf(name: string): KernelExport | undefined {
    const always = ['module_layout', 'klp_enable_patch', '__fentry__'];
    if (!always.includes(name) && !this.exported.includes(name)) return undefined;
    return { crc: 0x8000_0000 + name.length, owner: 'vmlinux' };
  }

  sizeOf(struct: LoaderStruct): number | undefined {
    return this.withoutBtf ? undefined : layouts[struct]['sizeof'];
  }

  offsetOf(struct: LoaderStruct, member: string): number | undefined {
    return layouts[struct][member];
  }

  sympos(objectFile: string, symbol: string): number | undefined {
    return this.positions[`${objectFile} ${symbol}`];
  }
}

function symbolsOf(letters = ''): KernelSymbol[] {
  return letters.split('').map((type, index) => ({ address: BigInt(index + 1) * 4096n, type }));
}
