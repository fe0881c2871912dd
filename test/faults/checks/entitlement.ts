import type { Given } from '../machine.js';
import type { Oracle } from '../oracle.js';
import type { Violation } from '../violation.js';

/** In how long a revocation or recall must have reached every machine (issue 5 of the project): so far behind the feed may be. */
const reachMs = 5_000;
/** The server's clock is ours; rounding to milliseconds isn't. */
const slackMs = 2;

export interface EntitlementResult {
  readonly violations: readonly Violation[];
  /** Given although the right to it had just ended: the feed had not heard of it yet. */
  readonly late: number;
  readonly latestMs: number;
}

/** No machine was given, or offered, what it might not have at any moment between its request and the answer. */
export function checkEntitlement(given: readonly Given[], oracle: Oracle): EntitlementResult {
  const violations: Violation[] = [];
  let [late, latestMs] = [0, 0];
  for (const { machineId, bundleId, how, lease, sentMs, answeredMs } of given) {
    const claim = { machineId, bundleId, leaseId: lease.leaseId, orStanding: how === 'offer' };
    const lastRight = oracle.lastRight(claim, sentMs - reachMs, answeredMs + slackMs);
    if (lastRight === undefined) {
      const against = oracle.against(claim, answeredMs);
      const context = { claim, sentMs, answeredMs, against };
      violations.push({
        check: 'entitlement',
        what: `${how} of ${bundleId} for ${machineId}: ${against.join(', ')}`,
        context,
      });
    } else if (lastRight < sentMs - slackMs) {
      late += 1;
      latestMs = Math.max(latestMs, sentMs - lastRight);
    }
  }
  return { violations, late, latestMs };
}
