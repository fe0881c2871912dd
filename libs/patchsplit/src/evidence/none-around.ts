import type { Belief } from './belief.js';
import type { HunkWords } from './hunk-words.js';
import type { Link } from './links.js';

const maxOdds = 6;
/** Counts as so many hunks of which it is believed as often as not, so that one neighbour alone doesn't decide. */
const doubt = 0.5;

/**
 * For each hunk what was believed of nobody's having it: the odds (ln), then the share of the hunks linked with it that are nobody's, by how strong the
 * links are, then that of its file's others. A commit that the changelog doesn't list has hunks that belong together, too.
 */
export function noneAround(
  hunks: readonly HunkWords[],
  links: readonly (readonly Link[])[],
  beliefs: readonly Belief[],
): number[][] {
  const inFile = new Map<number, { none: number; hunks: number }>();
  for (const [index, { file }] of hunks.entries()) {
    const sum = inFile.get(file) ?? { none: 0, hunks: 0 };
    sum.none += beliefs[index]?.none ?? 0;
    sum.hunks += 1;
    inFile.set(file, sum);
  }
  return hunks.map(({ file }, index) => {
    const own = beliefs[index]?.none ?? 0;
    let none = doubt / 2;
    let all = doubt;
    for (const { to, weight } of links[index] ?? []) {
      none += weight * (beliefs[to]?.none ?? 0);
      all += weight;
    }
    const others = inFile.get(file) ?? { none: own, hunks: 1 };
    const rest = (others.none - own + doubt / 2) / (others.hunks - 1 + doubt);
    const odds = Math.log((own + 1e-6) / (1 - own + 1e-6));
    return [Math.max(-maxOdds, Math.min(maxOdds, odds)), none / all, rest];
  });
}
