import type { Random } from '#libs/hostile';

/** Whether something happens that does so in `permille` of a thousand cases. */
export function happens(random: Random, permille: number): boolean {
  return random.below(1000) < permille;
}

/** A wait between two moments of a Poisson process, in ms: as often as not they come close together. At most four times the mean. */
export function gapMs(random: Random, meanMs: number): number {
  return Math.min(-Math.log((random.word() + 1) / 2 ** 32) * meanMs, 4 * meanMs);
}

/** One of several, each as likely as its weight. */
export function pickWeighted<T>(random: Random, items: readonly (readonly [weight: number, item: T])[]): T {
  let left = random.below(items.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, item] of items) {
    if (left < weight) return item;
    left -= weight;
  }
  throw new RangeError('nothing to pick from');
}
