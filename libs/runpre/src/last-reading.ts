import type { CompiledPart, Referent } from './functions.js';

/** Where a local thing that code refers to is in the running code. */
interface Seen {
  readonly referent: Referent;
  readonly to: bigint;
}

/** Functions refer to no more; a crafted one that does is read once more. */
const maxSeen = 4096;

/** What the last comparison saw: a function that is found is read once, and not once more to learn from it. */
export class LastReading implements Iterable<Seen> {
  private part: CompiledPart | undefined;
  private place = 0n;
  private seen: Seen[] = [];
  private isWhole = true;

  begin(part: CompiledPart, place: bigint): void {
    this.part = part;
    this.place = place;
    this.seen = [];
    this.isWhole = true;
  }

  add(referent: Referent, to: bigint): void {
    if (this.seen.length < maxSeen) this.seen.push({ referent, to });
    else this.isWhole = false;
  }

  /** Was it of this part at this place, and is nothing left out? */
  isAllOf(part: CompiledPart, place: bigint): boolean {
    return this.isWhole && this.part === part && this.place === place;
  }

  [Symbol.iterator](): Iterator<Seen> {
    return this.seen[Symbol.iterator]();
  }
}
