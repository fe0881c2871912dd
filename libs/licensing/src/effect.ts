import type { Entitlement } from './entitlement.js';

/** What a machine is told about one bundle. */
export type Effect =
  /** New, and it may have it. */
  | 'apply'
  /** Applied, and it stays. */
  | 'keep'
  /** New, and it may not have it. */
  | 'withhold'
  /** Applied, and withdrawn by its author. */
  | 'reverse';

/**
 * What follows for a bundle on a machine. A licence that ends stops new bundles and never weakens a machine: what is applied
 * stays, and only its author's recall takes it away.
 */
export function effectOn(bundle: { readonly applied: boolean; readonly recalled: boolean }, has: Entitlement): Effect {
  if (bundle.applied) return bundle.recalled ? 'reverse' : 'keep';
  return has.entitled && !bundle.recalled ? 'apply' : 'withhold';
}
