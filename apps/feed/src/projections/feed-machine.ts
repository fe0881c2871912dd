import type { EventData, RunningKernel } from '#libs/contracts';
import { type OnMachine, onMachine, type UpdateFact } from '../domain/machine.js';

/** A machine as the feed needs it at each request. */
export interface FeedMachine {
  readonly keyThumbprint: string;
  readonly licenseId: string;
  readonly customerId: string;
  /** Why it has no seat any more, where an operator freed it. */
  readonly unseated?: { readonly code: 'machine-released' | 'machine-retired'; readonly reason: string };
  /** Its last lease's, or the one it enrolled with. */
  readonly kernel: EventData<'LeaseGranted'>['kernel'];
  /** How it stands with the bundles that it has reported of. */
  readonly updates: ReadonlyMap<string, OnMachine>;
  /** Its last lease, ended or not: what the log has counts as what the machine would show. */
  readonly lease?: StandingLease;
  /** As whom it listens to hints, and until when. */
  readonly listener?: { readonly user: string; readonly until: string };
}

/** What of a lease decides what a machine may have. */
export interface StandingLease {
  readonly licenseId: string;
  readonly kernel: RunningKernel;
  readonly expiresAt: string;
}

/** Another map each time: what was worked out for the one before holds no more. */
export function reported({ updates }: FeedMachine, fact: UpdateFact): ReadonlyMap<string, OnMachine> {
  const after = new Map(updates);
  after.delete(fact.data.bundleId);
  return fact.type === 'UpdateReplaced' ? after : after.set(fact.data.bundleId, onMachine(fact));
}

/** What a lease makes of its machine. */
export function leased(granted: EventData<'LeaseGranted'>): Pick<FeedMachine, 'kernel' | 'lease' | 'listener'> {
  const { licenseId, kernel, hintUser, expiresAt } = granted;
  const lease = { licenseId, kernel, expiresAt };
  return { kernel, lease, ...(hintUser === undefined ? {} : { listener: { user: hintUser, until: expiresAt } }) };
}
