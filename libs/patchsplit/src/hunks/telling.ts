/** A line without the blanks that reformatting changes. */
export function lineKey(line: string): string {
  const trimmed = line.trim();
  return /[^\S ]|  /.test(trimmed) ? trimmed.replace(/\s+/g, ' ') : trimmed;
}

/** Whether a line tells something by itself: no blank, brace, `break;` or `else`. */
export function isTelling(line: string): boolean {
  return (
    line.length > 5 &&
    /\w\W*\w\W*\w\W*\w/.test(line) &&
    !/^\s*(?:\/?\*+\/?|#?end(?:if)?|#?else|break;|return;|continue;|return 0;)\s*$/.test(line)
  );
}

/** Compares lines by their words and signs; a line that is compared often is taken apart once. */
export class Likeness {
  private readonly known = new Map<string, Tokens>();

  /** The share of words and signs that two lines have in common, 0…1. */
  of(a: string, b: string): number {
    const left = this.tokensOf(a);
    const right = this.tokensOf(b);
    if (left.size === 0 || right.size === 0) return 0;
    let common = 0;
    for (const [token, count] of left.counts) common += Math.min(count, right.counts.get(token) ?? 0);
    return (2 * common) / (left.size + right.size);
  }

  private tokensOf(line: string): Tokens {
    let tokens = this.known.get(line);
    if (!tokens) {
      const counts = new Map<string, number>();
      const all = line.slice(0, 2000).match(/\w+|[^\w\s]/g) ?? [];
      for (const token of all) counts.set(token, (counts.get(token) ?? 0) + 1);
      this.known.set(line, (tokens = { counts, size: all.length }));
    }
    return tokens;
  }
}

interface Tokens {
  readonly counts: ReadonlyMap<string, number>;
  readonly size: number;
}
