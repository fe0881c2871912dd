import type { Findings } from '../findings.js';
import type { KernelSymbol, KernelView } from '../kernel-view.js';
import type { Resolved } from './output.js';

/** struct modversion_info (linux/module.h): a u64 and a name of 56 bytes with its NUL. */
export const maxVersionedName = 55;

/** Where a symbol is looked for, and what is known of it. */
export interface Wanted {
  readonly name: string;
  /** Of the object that refers to it: `vmlinux` or a module. */
  readonly owner: string;
  readonly objectFile: string;
  /** `local`: a static one of that very object file; `here`: a global one defined in it; `elsewhere`: undefined in it. */
  readonly scope: 'local' | 'here' | 'elsewhere';
}

/** Finds the kernel's symbols for references that leave the module. */
export class KernelSymbols {
  constructor(
    private readonly kernel: KernelView,
    private readonly findings: Findings,
  ) {}

  /** An ordinary import if vmlinux exports it, else a livepatch symbol; undefined after a refusal. */
  resolve(wanted: Wanted): Resolved | undefined {
    const { name, owner, scope } = wanted;
    if (owner !== 'vmlinux') return this.resolveForModule(wanted);
    const exported = scope === 'local' ? undefined : this.kernel.exportOf(name);
    if (exported?.owner === 'vmlinux' && isImportable(exported.namespace, name)) return { kind: 'import', name };
    return this.livepatchSymbol(wanted, 'vmlinux', this.kernel.symbols(name));
  }

  /**
   * The sympos of a function that is to be replaced; undefined after a refusal. A weak function may have lost against
   * another object's strong one, which would then be replaced in its stead: nm's letter tells (`W` = the weak one won).
   */
  symposOf(wanted: Wanted, isWeak: boolean): number | undefined {
    const { name, owner } = wanted;
    const symbols = owner === 'vmlinux' ? this.kernel.symbols(name) : this.kernel.moduleSymbols?.(owner, name);
    if (symbols === undefined) return this.refuseUnknownModule(name, owner);
    if (isWeak && owner === 'vmlinux' && !symbols.some(({ type }) => type === 'W'))
      return this.refuseMissing(wanted, `${owner} that is weak: another object overrides it`);
    const found = this.livepatchSymbol(wanted, owner, symbols);
    return found?.kind === 'klp' ? found.sympos : undefined;
  }

  /**
   * A module's own symbols come before exports, as the linker has it. Exports of other modules are looked up when the
   * patched module comes (it needs them, so they are there), not when the patch is loaded.
   */
  private resolveForModule(wanted: Wanted): Resolved | undefined {
    const { name, owner, scope } = wanted;
    const own = this.kernel.moduleSymbols?.(owner, name);
    if (own === undefined) return this.refuseUnknownModule(name, owner);
    if (scope !== 'elsewhere' || own.some(isGlobal)) return this.livepatchSymbol(wanted, owner, own);
    const exported = this.kernel.exportOf(name);
    if (exported === undefined) return this.refuseMissing(wanted, `${owner} and all exports`);
    if (exported.owner === 'vmlinux') {
      if (isImportable(exported.namespace, name)) return { kind: 'import', name };
      return this.livepatchSymbol(wanted, 'vmlinux', this.kernel.symbols(name));
    }
    return this.livepatchSymbol(wanted, exported.owner, this.kernel.moduleSymbols?.(exported.owner, name) ?? []);
  }

  /** Which of the symbols of that name; sympos 0 says that there is only one. */
  private livepatchSymbol(wanted: Wanted, owner: string, symbols: readonly KernelSymbol[]): Resolved | undefined {
    const { name, scope, objectFile } = wanted;
    const fitting = symbols.filter((symbol) => fitsScope(symbol, scope));
    const [only] = fitting;
    if (only === undefined) return this.refuseMissing(wanted, owner);
    if (symbols.length === 1) return { kind: 'klp', owner, name, sympos: 0 };
    const sympos = fitting.length === 1 ? symbols.indexOf(only) + 1 : this.kernel.sympos(objectFile, name);
    const chosen = sympos === undefined ? undefined : symbols[sympos - 1];
    if (sympos !== undefined && chosen !== undefined && fitsScope(chosen, scope))
      return { kind: 'klp', owner, name, sympos };
    this.findings.refuse({
      code: 'symbol-ambiguous',
      symbol: name,
      reason: `${owner} has ${symbols.length} symbols of that name, and which is ${objectFile}'s is not decided`,
    });
    return undefined;
  }

  private refuseUnknownModule(symbol: string, owner: string): undefined {
    this.findings.refuse({ code: 'module-symbols-unknown', symbol, reason: `${owner}'s symbols aren't known` });
  }

  private refuseMissing({ name, scope }: Wanted, where: string): undefined {
    this.findings.refuse({
      code: 'symbol-not-found',
      symbol: name,
      reason: `no ${scope === 'local' ? 'static ' : ''}symbol of that name in ${where}`,
    });
  }
}

/** A namespace would need an import_ns tag, and a longer name doesn't fit into `__versions`; both go by klp symbols. */
function isImportable(namespace: string | undefined, name: string): boolean {
  return (namespace === undefined || namespace === '') && name.length <= maxVersionedName;
}

/** Lower-case letters are local; `A` are absolute ones (per-CPU), of either kind. */
function fitsScope(symbol: KernelSymbol, scope: Wanted['scope']): boolean {
  if (symbol.type === 'A' || symbol.type === 'a') return true;
  return isGlobal(symbol) === (scope !== 'local');
}

function isGlobal(symbol: KernelSymbol): boolean {
  return symbol.type !== symbol.type.toLowerCase();
}
