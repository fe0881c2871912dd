import { type ElfFile, type ElfSymbol, SymbolType } from '#libs/elf';

const noSymbols: readonly ElfSymbol[] = [];

/** The symbols that name something, by section, there by place, globals first. */
export class SortedSymbols {
  private readonly order: Uint32Array;
  /** Where those of a section begin in `order`. */
  private readonly firsts: Uint32Array;
  /** In `order`. */
  private readonly places: Float64Array;

  constructor(private readonly elf: ElfFile) {
    const { sections, symbols } = elf;
    const counts = new Uint32Array(sections.length);
    for (const symbol of symbols)
      if (isNaming(symbol, sections.length)) counts[symbol.sectionIndex] = (counts[symbol.sectionIndex] ?? 0) + 1;
    this.firsts = new Uint32Array(sections.length + 1);
    for (const [section, count] of counts.entries()) this.firsts[section + 1] = (this.firsts[section] ?? 0) + count;
    const total = this.firsts[sections.length] ?? 0;
    this.order = new Uint32Array(total);
    this.places = new Float64Array(total);
    const next = this.firsts.slice();
    for (const symbol of symbols) {
      const { sectionIndex, index } = symbol;
      if (!isNaming(symbol, sections.length)) continue;
      const at = next[sectionIndex] ?? 0;
      next[sectionIndex] = at + 1;
      this.order[at] = index;
    }
    for (let section = 0; section < sections.length; section++) this.sort(section);
    for (const [at, index] of this.order.entries()) this.places[at] = Number(symbols.at(index)?.value ?? 0);
  }

  /** Where a section's symbols are among all: the first, and behind the last. */
  rangeOf(section: number): readonly [from: number, to: number] {
    return [this.firsts[section] ?? 0, this.firsts[section + 1] ?? 0];
  }

  /** The value of one of them. */
  placeAt(at: number): number {
    return this.places[at] ?? 0;
  }

  between(from: number, to: number): readonly ElfSymbol[] {
    if (from === to) return noSymbols;
    const found: ElfSymbol[] = [];
    for (let at = from; at < to; at++) found.push(this.symbol(this.order[at] ?? 0));
    return found;
  }

  private symbol(index: number): ElfSymbol {
    const found = this.elf.symbols.at(index);
    if (found === undefined) throw new RangeError(`symbol ${index}`);
    return found;
  }

  private sort(section: number): void {
    const [from, to] = this.rangeOf(section);
    if (to - from < 2) return;
    this.order.subarray(from, to).sort((first, second) => {
      const [a, b] = [this.symbol(first), this.symbol(second)];
      return Number(a.value - b.value) || b.binding - a.binding || first - second;
    });
  }
}

function isNaming({ type, sectionIndex, name }: ElfSymbol, sections: number): boolean {
  return sectionIndex < sections && type !== SymbolType.SECTION && type !== SymbolType.FILE && name !== '';
}
