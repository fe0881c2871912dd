/** A list that is only read: an array, or a `Table`. */
export interface List<T> extends Iterable<T> {
  readonly length: number;
  at(index: number): T | undefined;
  some(test: (entry: T, index: number) => boolean): boolean;
  every(test: (entry: T, index: number) => boolean): boolean;
  find(test: (entry: T, index: number) => boolean): T | undefined;
  filter(test: (entry: T, index: number) => boolean): T[];
  map<R>(change: (entry: T, index: number) => R): R[];
}

/**
 * A table of a file, read as a list: an entry is made each time it is asked for, and kept by nobody but who asked. A million of
 * them take no more memory than the file has.
 */
export abstract class Table<T> implements List<T> {
  constructor(readonly length: number) {}

  /** A table of what a function gives for an index. */
  static of<T>(length: number, entryAt: (index: number) => T): Table<T> {
    return new MadeTable(length, entryAt);
  }

  /** The entry of an index that is there. */
  protected abstract entryAt(index: number): T;

  at(index: number): T | undefined {
    const from = index < 0 ? index + this.length : index;
    return from >= 0 && from < this.length ? this.entryAt(from) : undefined;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.length; index++) yield this.entryAt(index);
  }

  some(test: (entry: T, index: number) => boolean): boolean {
    for (let index = 0; index < this.length; index++) if (test(this.entryAt(index), index)) return true;
    return false;
  }

  every(test: (entry: T, index: number) => boolean): boolean {
    return !this.some((entry, index) => !test(entry, index));
  }

  find(test: (entry: T, index: number) => boolean): T | undefined {
    for (let index = 0; index < this.length; index++) {
      const entry = this.entryAt(index);
      if (test(entry, index)) return entry;
    }
    return undefined;
  }

  filter(test: (entry: T, index: number) => boolean): T[] {
    const found: T[] = [];
    for (let index = 0; index < this.length; index++) {
      const entry = this.entryAt(index);
      if (test(entry, index)) found.push(entry);
    }
    return found;
  }

  /** The entries of these indexes, in that order. */
  select(indexes: Uint32Array): Table<T> {
    return Table.of(indexes.length, (index) => this.entryAt(indexes[index] ?? 0));
  }

  map<R>(change: (entry: T, index: number) => R): R[] {
    return Array.from({ length: this.length }, (_, index) => change(this.entryAt(index), index));
  }
}

class MadeTable<T> extends Table<T> {
  constructor(
    length: number,
    protected readonly entryAt: (index: number) => T,
  ) {
    super(length);
  }
}

/** Several tables as one. */
export function joined<T>(tables: readonly Table<T>[]): Table<T> {
  const [only] = tables;
  if (only !== undefined && tables.length === 1) return only;
  const starts: number[] = [];
  let length = 0;
  for (const table of tables) {
    starts.push(length);
    length += table.length;
  }
  return Table.of(length, (index) => {
    let [low, high] = [0, tables.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? Infinity) <= index) low = middle;
      else high = middle;
    }
    const entry = tables[low]?.at(index - (starts[low] ?? 0));
    if (entry === undefined) throw new RangeError(`entry ${index} of ${length}`);
    return entry;
  });
}
