import { type ElfSymbol, SymbolType } from '#libs/elf';

/** The function symbols of an atom, and which of them begin at a place. One section may have 90,000, and as many calls lead into it. */
export class FunctionStarts {
  /** In address order. */
  readonly symbols: readonly ElfSymbol[];
  private starts: Float64Array | undefined;

  /** @param symbols of any type, in address order. */
  constructor(symbols: readonly ElfSymbol[]) {
    this.symbols = symbols.filter(({ type }) => type === SymbolType.FUNC);
  }

  /** Do not all begin at the same place? */
  get areApart(): boolean {
    return this.symbols.length > 1 && this.symbols[0]?.value !== this.symbols.at(-1)?.value;
  }

  /** Those that begin at a place of their section; of more than two, two. */
  at(place: number): readonly ElfSymbol[] {
    const starts = (this.starts ??= Float64Array.from(this.symbols, ({ value }) => Number(value)));
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    return this.symbols.slice(low, low + 2).filter((_, index) => starts[low + index] === place);
  }
}
