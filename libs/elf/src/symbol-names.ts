import type { ElfSymbol } from './symbol.js';
import type { Table } from './table.js';

const hashBits = 30;
/** More than symbols are read of a file. */
const maxSymbols = 2 ** 22;

/** Finds symbols by name: a number each, in place of a map of strings. */
export class SymbolNames {
  /** The hash of each name with the symbol's index behind it, sorted. */
  private readonly entries: Float64Array;
  /** Another one each time: names of one hash would be searched through one by one, and nobody can make them beforehand. */
  private readonly seed = (Math.random() * 2 ** 32) >>> 0;

  constructor(
    private readonly symbols: Table<ElfSymbol>,
    wanted: (symbol: ElfSymbol) => boolean,
  ) {
    const entries = new Float64Array(symbols.length);
    let count = 0;
    for (const symbol of symbols)
      if (wanted(symbol)) entries[count++] = this.hashOf(symbol.name) * maxSymbols + symbol.index;
    this.entries = entries.slice(0, count).sort();
  }

  /** In the order of the symbol table. */
  named(name: string): readonly ElfSymbol[] {
    const first = this.hashOf(name) * maxSymbols;
    const found: ElfSymbol[] = [];
    for (let at = this.firstAtOrAfter(first); at < this.entries.length; at++) {
      const index = (this.entries[at] ?? Infinity) - first;
      if (index >= maxSymbols) break;
      const symbol = this.symbols.at(index);
      if (symbol?.name === name) found.push(symbol);
    }
    return found;
  }

  private firstAtOrAfter(value: number): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.entries[middle] ?? Infinity) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Murmur3's steps over the letters. */
  private hashOf(name: string): number {
    let hash = this.seed;
    for (let at = 0; at < name.length; at++) {
      const letter = Math.imul(name.charCodeAt(at), 0xcc9e2d51);
      hash ^= Math.imul((letter << 15) | (letter >>> 17), 0x1b873593);
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> (32 - hashBits);
  }
}
