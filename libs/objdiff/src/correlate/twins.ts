import type { Atom } from '../model/atom.js';

/** Which atom of the patched object is which of the original: a one-to-one relation. */
export class Twins {
  private readonly byOriginal = new Map<Atom, Atom>();
  private readonly byPatched = new Map<Atom, Atom>();

  /** Pairs so far. */
  get count(): number {
    return this.byOriginal.size;
  }

  pair(original: Atom, patched: Atom): void {
    this.separate(patched);
    const other = this.byOriginal.get(original);
    if (other !== undefined) this.separate(other);
    this.byOriginal.set(original, patched);
    this.byPatched.set(patched, original);
  }

  /** From now on the patched atom counts as new. */
  separate(patched: Atom): void {
    const original = this.byPatched.get(patched);
    if (original === undefined) return;
    this.byPatched.delete(patched);
    this.byOriginal.delete(original);
  }

  originalOf(patched: Atom): Atom | undefined {
    return this.byPatched.get(patched);
  }

  patchedOf(original: Atom): Atom | undefined {
    return this.byOriginal.get(original);
  }

  /** `[original, patched]`, in the order they were paired. */
  entries(): IterableIterator<[Atom, Atom]> {
    return this.byOriginal.entries();
  }
}
