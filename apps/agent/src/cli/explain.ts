import type { BundleState } from '../domain/bundle-state.js';
import type { Verdict } from '../domain/plan.js';
import { reasonLines } from './output.js';

const meanings: Record<Verdict['action'], string> = {
  keep: 'is applied',
  apply: 'is applied at the next check-in',
  reverse: 'is taken back at the next check-in',
  hold: 'is held back',
  wait: 'was refused, and is tried again later',
  ignore: 'is not for this machine now',
};

/** What a bundle is, how it stands, why, and what to do. */
export function explanation(bundleId: string, state: BundleState | undefined, verdict: Verdict | undefined): string[] {
  const fixes = (state?.summary?.fixes ?? []).map(({ subject, cves }) => `           ${[subject, ...cves].join('  ')}`);
  const functions = (state?.summary?.functions ?? []).map(({ object, symbol }) => `           ${object}: ${symbol}`);
  return [
    `${bundleId} ${meanings[verdict?.action ?? 'ignore']}`,
    ...(verdict?.reasons ?? []).flatMap(reasonLines),
    ...(fixes.length > 0 ? ['fixes', ...fixes] : []),
    ...(functions.length > 0 ? ['replaces', ...functions] : []),
    ...(state?.phase === undefined ? [] : [`last       ${state.phase} at ${state.since}`]),
  ];
}
