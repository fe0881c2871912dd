import type { Reason } from '#libs/contracts';
import type { ElfFile } from '#libs/elf';

/** A symbol that a live patch replaces or refers to: in vmlinux or a module, the n-th of its name, or (0) the only one. */
export interface KlpSymbol {
  readonly object: string;
  readonly symbol: string;
  readonly sympos: number;
}

/** kernel/livepatch/core.c, klp_resolve_symbols(): `.klp.sym.OBJECT.NAME,POSITION`. An object's name has no dot, a symbol's may. */
const klpName = /^\.klp\.sym\.([^.]{1,55})\.([^,]{1,511}),(\d{1,9})$/;

/** What the module asks the kernel to look up by name. */
export function klpSymbolsOf({ symbols }: ElfFile): KlpSymbol[] {
  return [...symbols].flatMap(({ name }) => {
    const [, object, symbol, sympos] = klpName.exec(name) ?? [];
    return object === undefined || symbol === undefined ? [] : [{ object, symbol, sympos: Number(sympos) }];
  });
}

/** How often each name occurs in an object of the running kernel; undefined for an object that isn't loaded. */
export type SymbolCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * Those that the running kernel doesn't have where the patch looks for them. The kernel would refuse the module for it too, but only
 * after it has taken it in. A module that isn't loaded is looked at when it comes.
 */
export function missingSymbols(wanted: readonly KlpSymbol[], running: SymbolCounts): Reason[] {
  const missing = wanted.filter(({ object, symbol, sympos }) => {
    const names = running.get(object);
    if (names === undefined) return object === 'vmlinux';
    const count = names.get(symbol) ?? 0;
    return sympos === 0 ? count !== 1 : count < sympos;
  });
  return [...new Map(missing.map((one) => [`${one.object}.${one.symbol},${one.sympos}`, one])).values()]
    .slice(0, maxReasons)
    .map(({ object, symbol, sympos }) => ({
      code: 'klp-symbol-missing',
      reason: `the running kernel has no ${symbol} in ${object}${sympos > 0 ? ` at position ${sympos}` : ', or several'}`,
      symbol,
      object,
      advice: 'the kernel is another one than it says, or it was changed: see what `splicecast doctor` says',
    }));
}

const maxReasons = 32;
