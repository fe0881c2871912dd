/** How much one caller may do. */
export interface Rate {
  /** Calls a second, in the long run. */
  readonly perSec: number;
  /** Calls at once, after a rest. */
  readonly burst: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** So many callers are remembered at once; the one that has rested longest is forgotten, and begins with a full bucket. */
const maxCallers = 10_000;

/** A token bucket for each caller. Time is passed in. */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly rate: Rate) {}

  /** Takes a call. @returns 0 if it may go on; else how many seconds the caller should wait. */
  take(caller: string, at: Date): number {
    const left = this.left(caller, at);
    if (left < 1) return Math.ceil((1 - left) / this.rate.perSec);
    this.put(caller, left - 1, at);
    return 0;
  }

  private left(caller: string, at: Date): number {
    const bucket = this.buckets.get(caller);
    if (bucket === undefined) return this.rate.burst;
    const restedSec = Math.max(0, at.getTime() - bucket.atMs) / 1000;
    return Math.min(this.rate.burst, bucket.tokens + restedSec * this.rate.perSec);
  }

  private put(caller: string, tokens: number, at: Date): void {
    // Kept in the order of the last call: a map's order is that of insertion.
    this.buckets.delete(caller);
    this.buckets.set(caller, { tokens, atMs: at.getTime() });
    if (this.buckets.size <= maxCallers) return;
    const [oldest] = this.buckets.keys();
    if (oldest !== undefined) this.buckets.delete(oldest);
  }
}
