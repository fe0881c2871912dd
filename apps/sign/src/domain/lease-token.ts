import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type EventData, leaseGranted } from '#libs/contracts';
import type { RecordedEvent } from '#libs/eventstore';
import { type LeaseClaims, leaseClaimsOf, maxLeaseMs } from '#libs/trust';
import { licenseFrom } from './license-token.js';
import { SignRefusal } from './refusal.js';

/** `sign.lease`: the lease as it was granted, and the key that it is bound to. */
export const leaseTokenRequestSchema = leaseGranted.extend({
  keyThumbprint: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type LeaseTokenRequest = z.infer<typeof leaseTokenRequestSchema>;

/** Clocks of two services may differ by so much before a lease of the full seven days looks too long. */
const clockLeewayMs = 60_000;

/**
 * The claims of a lease's token: those of the lease that stands in the machine's stream, for the key that enrolled, under a
 * licence that holds. Asked again, they are the same.
 * @throws SignRefusal
 */
export function leaseClaims(
  request: LeaseTokenRequest,
  machine: readonly RecordedEvent[],
  license: readonly RecordedEvent[],
  now: Date,
): LeaseClaims {
  const { keyThumbprint, ...lease } = request;
  const granted = machine.findLast(({ fact }) => fact.type === 'LeaseGranted' || fact.type === 'LeaseRefused');
  if (granted?.fact.type !== 'LeaseGranted' || !isDeepStrictEqual(granted.fact.data, lease)) {
    throw new SignRefusal('not-in-log', `lease ${lease.leaseId} does not stand in the stream of its machine`);
  }
  if (enrolment(machine)?.keyThumbprint !== keyThumbprint) {
    throw new SignRefusal('not-in-log', `machine ${lease.machineId} did not enrol with this key`);
  }
  const holder = licenseFrom(license);
  if (holder.status === 'unknown') throw new SignRefusal('not-in-log', `there is no licence ${lease.licenseId}`);
  if (holder.status === 'revoked') throw new SignRefusal('license-revoked', `licence ${lease.licenseId} was revoked`);
  checkLength(lease, now);
  return leaseClaimsOf({ ...lease, rev: holder.rev, keyThumbprint }, granted.envelope.at);
}

function checkLength(lease: EventData<'LeaseGranted'>, now: Date): void {
  const leftMs = Date.parse(lease.expiresAt) - now.getTime();
  if (leftMs <= 0) throw new SignRefusal('lease-ended', `lease ${lease.leaseId} ended at ${lease.expiresAt}`);
  if (leftMs > maxLeaseMs + clockLeewayMs) {
    throw new SignRefusal('lease-too-long', `lease ${lease.leaseId} would last until ${lease.expiresAt}`);
  }
}

function enrolment(machine: readonly RecordedEvent[]): EventData<'MachineEnrolled'> | undefined {
  const event = machine.findLast(({ fact }) => fact.type === 'MachineEnrolled');
  return event?.fact.type === 'MachineEnrolled' ? event.fact.data : undefined;
}
