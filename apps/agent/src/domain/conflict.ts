import type { Reason } from '#libs/contracts';
import { type BundleStates, isApplied } from './bundle-state.js';
import type { BundleSummary } from './record.js';

/**
 * Two bundles that replace the same function: the kernel would take both and run only the later one, and the fix of the
 * earlier would be gone without a word. So the later one is held back. A level is in nobody's way: it contains what it replaces.
 */
export function conflictsOf(bundleId: string, summary: BundleSummary, states: BundleStates, bootId: string): Reason[] {
  if (summary.level !== undefined) return [];
  const wanted = new Map(summary.functions.map((one) => [functionKey(one), one.symbol]));
  return [...states.values()].flatMap((other) => {
    if (other.bundleId === bundleId || !isApplied(other, bootId)) return [];
    const shared = (other.summary?.functions ?? []).find((one) => wanted.has(functionKey(one)));
    if (shared === undefined) return [];
    return [
      {
        code: 'function-conflict',
        reason: `bundle ${other.bundleId}, which is applied, replaces ${shared.symbol} too`,
        symbol: shared.symbol,
        object: shared.object,
        advice: `\`splicecast remove ${other.bundleId}\` makes room for it`,
      },
    ];
  });
}

/** Position 0 says "the only one of its name", which is the first. */
function functionKey({ object, symbol, sympos }: BundleSummary['functions'][number]): string {
  return `${object}/${symbol},${sympos === 0 ? 1 : sympos}`;
}
