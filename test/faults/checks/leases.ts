import { refusals, Seating } from '#libs/licensing';
import type { Entry } from '../log.js';
import type { HeldLease } from '../machine-client.js';
import type { Oracle } from '../oracle.js';
import type { Violation } from '../violation.js';

/** How long the service may be between reading what it decides on and writing it: as long as it has patience with its log. */
const decidingMs = 16_000;

/** Every lease in the log was granted by the rules, and every lease that a machine holds is in the log. */
export function checkLeases(
  entries: readonly Entry[],
  held: readonly { readonly machineId: string; readonly lease: HeldLease }[],
  oracle: Oracle,
): Violation[] {
  return [
    ...checkGrants(entries, oracle),
    ...held.flatMap(({ machineId, lease }) => checkHeld(machineId, lease, oracle)),
  ];
}

/** Seats are judged by the enrolments before, exactly; what the licence says, as it was at some moment of the decision. */
function* checkGrants(entries: readonly Entry[], oracle: Oracle): Generator<Violation> {
  const seating = new Seating();
  for (const { position, storedMs, stream, events } of entries) {
    const granted = events.find(({ fact }) => fact.type === 'LeaseGranted')?.fact;
    const enrolled = events.find(({ fact }) => fact.type === 'MachineEnrolled')?.fact;
    if (granted?.type === 'LeaseGranted' && enrolled?.type === 'MachineEnrolled') {
      const { licenseId, kernel } = granted.data;
      const termsOf = (id: string) => {
        const license = oracle.license(id, storedMs);
        return license.status === 'unknown' ? undefined : license.terms;
      };
      const at = new Date(storedMs);
      const standing = seating.standing(enrolled.data, licenseId, at, termsOf);
      const moments = [storedMs, ...licenseMoments(entries, licenseId, storedMs), storedMs - decidingMs];
      const against = moments.map((atMs) => {
        const license = oracle.license(licenseId, atMs);
        if (license.status === 'unknown') return ['license-unknown'];
        const { customerId } = enrolled.data;
        return refusals(license, { kernel, standing, customerId, registers: true, at }).map(({ code }) => code);
      });
      if (against.every((codes) => codes.length > 0)) {
        const context = { position, stream, standing, granted: granted.data, against };
        yield { check: 'lease', what: `granted to ${stream} against ${against[0]?.join(', ')}`, context };
      }
    }
    for (const { fact, envelope } of events) {
      if (fact.type === 'MachineEnrolled') seating.enrol(fact.data, envelope.at);
      else if (fact.type === 'MachineReleased') seating.release(fact.data.machineId);
      else if (fact.type === 'MachineRetired') seating.retire(fact.data.machineId);
    }
  }
}

/** Moments just before the licence changed, within the time of a decision. */
function licenseMoments(entries: readonly Entry[], licenseId: string, toMs: number): number[] {
  return entries
    .filter(
      ({ stream, storedMs }) => stream === `license.${licenseId}` && storedMs <= toMs && storedMs > toMs - decidingMs,
    )
    .map(({ storedMs }) => storedMs - 0.001);
}

function checkHeld(machineId: string, lease: HeldLease, oracle: Oracle): Violation[] {
  const granted = oracle.lease(lease.leaseId);
  const isSame =
    granted?.machineId === machineId &&
    granted.licenseId === lease.licenseId &&
    Math.floor(Date.parse(granted.expiresAt) / 1000) * 1000 === lease.expiresMs;
  if (isSame) return [];
  return [
    {
      check: 'lease',
      what: `machine ${machineId} holds a lease that the log doesn't have so`,
      context: { lease, granted },
    },
  ];
}
