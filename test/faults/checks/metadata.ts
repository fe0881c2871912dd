import type { Entry } from '../log.js';
import type { TrustKeys } from '#libs/contracts';
import { MetadataClient } from '../metadata-client.js';
import type { Oracle } from '../oracle.js';
import type { Violation } from '../violation.js';

/**
 * The signed metadata as a new machine gets it: whole, vouching for every signed bundle and no other, and with every recall. Its
 * versions in the log only rise.
 */
export async function checkMetadata(
  feedUrl: string,
  trust: TrustKeys,
  entries: readonly Entry[],
  oracle: Oracle,
): Promise<Violation[]> {
  const violations: Violation[] = [...checkVersions(entries)];
  const client = new MetadataClient(feedUrl, trust, (one) => violations.push(one));
  if (!(await client.refresh())) return [...violations, { check: 'metadata', what: 'a new machine can not have it' }];
  const recalled = new Set(
    entries.flatMap(({ events }) =>
      events.flatMap(({ fact }) => (fact.type === 'BundleRecalled' ? [fact.data.bundleId] : [])),
    ),
  );
  for (const bundleId of oracle.bundleIds()) {
    const kernel = oracle.kernelOf(bundleId);
    const digest = kernel === undefined ? undefined : await client.targetOf(kernel, bundleId);
    const isWanted = oracle.isVouchedFor(bundleId);
    // What was recalled before it was vouched for never is.
    if (digest === undefined && isWanted && !recalled.has(bundleId)) {
      violations.push({ check: 'metadata', what: `bundle ${bundleId} is signed, and nobody vouches for it` });
    }
    if (digest !== undefined && !isWanted) {
      violations.push({ check: 'metadata', what: `bundle ${bundleId} is vouched for, and not signed` });
    }
    if (recalled.has(bundleId) !== client.saysRecalled(bundleId)) {
      violations.push({
        check: 'metadata',
        what: `bundle ${bundleId}: recalled ${recalled.has(bundleId)}, the list differs`,
      });
    }
  }
  return violations;
}

function* checkVersions(entries: readonly Entry[]): Generator<Violation> {
  let [timestamp, snapshot] = [0, 0];
  for (const { position, events } of entries) {
    for (const { fact } of events) {
      if (fact.type !== 'MetadataPublished') continue;
      if (fact.data.timestamp <= timestamp || fact.data.snapshot < snapshot) {
        const context = {
          position,
          timestamp: [timestamp, fact.data.timestamp],
          snapshot: [snapshot, fact.data.snapshot],
        };
        yield { check: 'metadata', what: 'a version fell back', context };
      }
      ({ timestamp, snapshot } = fact.data);
    }
  }
}
