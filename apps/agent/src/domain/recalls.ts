import type { Recall } from '#libs/contracts';
import type { BundleState, BundleStates } from './bundle-state.js';
import type { Offer } from './plan.js';

/** Why each bundle was withdrawn, by its id. */
export type Recalls = ReadonlyMap<string, Recall>;

/**
 * The offers with the recalls that are signed in the place of those that the service speaks of: a forged recall takes nothing out of
 * the kernel, and a true one does, also where the service hides the bundle or its recall.
 */
export function withSignedRecalls(offers: readonly Offer[], recalls: Recalls, states: BundleStates): Offer[] {
  const offered = new Set(offers.map(({ bundleId }) => bundleId));
  const hidden = [...states.values()].filter(({ bundleId }) => recalls.has(bundleId) && !offered.has(bundleId));
  return [...hidden.map(known), ...offers].map(({ recalled: _unsigned, ...offer }) => {
    const recalled = recalls.get(offer.bundleId);
    return recalled === undefined ? offer : { ...offer, recalled };
  });
}

/** A bundle that is known from the journal alone; nothing is fetched for it any more. */
function known({ bundleId, summary }: BundleState): Offer {
  return { bundleId, artefact: { path: '/', sha256: summary?.artefact ?? '', length: 1 }, signature: '' };
}
