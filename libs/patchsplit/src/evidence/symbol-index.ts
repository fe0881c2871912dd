import type { FileDelta } from '../hunks/delta.js';
import type { HunkWords } from './hunk-words.js';
import { type HunkSymbols, noSymbols, type Scope, symbolsOf } from './symbols.js';

/** A name that so many hunks use is too common to be one thing. */
const maxTakers = 40;
/** A function has a prototype, a body and a stub or two. */
const maxMakers = 6;

/** Hunks of one name: those that bring or drop it, and those that begin or cease to use it. */
export interface NameUse {
  readonly name: string;
  readonly makers: readonly number[];
  readonly takers: readonly number[];
}

/** Who brings, drops and uses which names, of the files that are code. */
export class SymbolIndex {
  readonly symbols: readonly HunkSymbols[];
  private readonly bringers = new Map<string, number[]>();
  private readonly droppers = new Map<string, number[]>();
  private readonly users = new Map<string, number[]>();
  private readonly ceasers = new Map<string, number[]>();
  private readonly redeclarers = new Map<string, number[]>();
  private readonly recallers = new Map<string, number[]>();

  constructor(
    files: readonly FileDelta[],
    private readonly hunks: readonly HunkWords[],
  ) {
    this.symbols = files.flatMap(({ path, hunks: list }) =>
      list.map((hunk) => (/\.[chS]$/.test(path) ? symbolsOf(hunk) : noSymbols)),
    );
    for (const [index, { brings, drops, redeclares, uses, ceases, recalls }] of this.symbols.entries()) {
      this.putAll(this.bringers, index, brings);
      this.putAll(this.droppers, index, drops);
      for (const name of redeclares) push(this.redeclarers, name, index);
      for (const name of recalls) push(this.recallers, name, index);
      for (const name of uses) for (const key of this.keysOfUse(index, name)) push(this.users, key, index);
      for (const name of ceases) for (const key of this.keysOfUse(index, name)) push(this.ceasers, key, index);
    }
  }

  /** New names, each with who brings it and who uses it. A name that another hunk drops only moves. */
  brought(): NameUse[] {
    return this.pairsOf(this.bringers, this.users, this.droppers);
  }

  /** Names that go, each with who drops it and who ceases to use it. */
  dropped(): NameUse[] {
    return this.pairsOf(this.droppers, this.ceasers, this.bringers);
  }

  /** Functions whose declaration changes, each with who changes it and who calls it otherwise. */
  redeclared(): NameUse[] {
    return this.pairsOf(this.redeclarers, this.recallers, new Map());
  }

  private pairsOf(
    makers: ReadonlyMap<string, number[]>,
    takers: ReadonlyMap<string, number[]>,
    others: ReadonlyMap<string, number[]>,
  ): NameUse[] {
    return [...makers].flatMap(([key, list]) => {
      const users = takers.get(key) ?? [];
      if (others.has(key) || list.length > maxMakers || users.length > maxTakers) return [];
      return list.length + users.length < 2
        ? []
        : [{ name: key.slice(key.lastIndexOf('\0') + 1), makers: list, takers: users }];
    });
  }

  private putAll(lists: Map<string, number[]>, index: number, names: ReadonlyMap<string, Scope>): void {
    for (const [name, scope] of names) for (const key of this.keysOf(index, name, scope)) push(lists, key, index);
  }

  private keysOf(index: number, name: string, scope: Scope): string[] {
    if (scope === 'all') return [name];
    const hunk = this.hunks[index];
    return hunk ? [...hunk.functions].map((one) => `${hunk.file}\0${one}\0${name}`) : [];
  }

  private keysOfUse(index: number, name: string): string[] {
    return [name, ...this.keysOf(index, name, 'function')];
  }
}

function push(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key);
  if (!list) lists.set(key, [value]);
  else if (list.at(-1) !== value) list.push(value);
}
