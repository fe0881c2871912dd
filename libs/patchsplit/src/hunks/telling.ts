/** A line without the blanks that reformatting changes. */
export function lineKey(line: string): string {
  return line.replace(/\s+/g, ' ').trim();
}

/** Whether a line tells something by itself: no blank, brace, `break;` or `else`. */
export function isTelling(line: string): boolean {
  return (
    line.length > 5 &&
    /\w\W*\w\W*\w\W*\w/.test(line) &&
    !/^\s*(?:\/?\*+\/?|#?end(?:if)?|#?else|break;|return;|continue;|return 0;)\s*$/.test(line)
  );
}

/** The share of words and signs that two lines have in common, 0…1. */
export function similarity(a: string, b: string): number {
  const left = tokensOf(a);
  const right = tokensOf(b);
  if (left.length === 0 || right.length === 0) return 0;
  const counts = new Map<string, number>();
  for (const token of left) counts.set(token, (counts.get(token) ?? 0) + 1);
  let common = 0;
  for (const token of right) {
    const count = counts.get(token) ?? 0;
    if (count === 0) continue;
    counts.set(token, count - 1);
    common += 1;
  }
  return (2 * common) / (left.length + right.length);
}

function tokensOf(line: string): string[] {
  return line.slice(0, 2000).match(/\w+|[^\w\s]/g) ?? [];
}
