import { isDeepStrictEqual } from 'node:util';
import { derivedId, type EventData, type Fact, fact, type Reason, type RunningKernel } from '#libs/contracts';
import { entitlement, type LicenseState } from '#libs/licensing';
import { maxLeaseMs } from '#libs/trust';
import type { MachineState } from './machine.js';

/** A machine asks for a lease, the first time or again. */
export interface RequestLease {
  readonly machineId: string;
  readonly keyThumbprint: string;
  readonly hostname?: string;
  readonly kernel: RunningKernel;
  /** What the genuine licence that it shows names. */
  readonly licenseId: string;
  readonly customerId: string;
  /** The licence as the log has it now: renewed or revoked since it was handed out. */
  readonly license: LicenseState;
  /** How many other machines are enrolled with the licence. */
  readonly otherMachines: number;
  readonly at: Date;
}

export type LeaseDecision =
  | { readonly granted: EventData<'LeaseGranted'>; readonly facts: readonly Fact[] }
  | { readonly refused: readonly Reason[]; readonly facts: readonly Fact[] };

/**
 * Grants a lease until the licence ends, seven days at most, or refuses with every reason. A lease that would hardly be
 * lengthened is given once more, and a refusal that is repeated isn't recorded again: a machine that asks every minute does
 * not fill the log.
 */
export function decideLease(command: RequestLease, state: MachineState): LeaseDecision {
  const { license, machineId } = command;
  const reasons = reasonsAgainst(command, state);
  if (license.status === 'unknown' || reasons.length > 0) {
    const isRepeated = isDeepStrictEqual(state.refusal?.reasons.map(codeOf), reasons.map(codeOf));
    return { refused: reasons, facts: isRepeated ? [] : [fact('LeaseRefused', { machineId, reasons })] };
  }
  const wanted: EventData<'LeaseGranted'> = {
    machineId,
    leaseId: derivedId('lease', machineId, license.licenseId, command.at.toISOString()),
    licenseId: license.licenseId,
    kernel: command.kernel,
    tier: license.terms.tier,
    expiresAt: leaseEnd(license, command.at),
  };
  const enrolled = enrolment(command, state);
  if (enrolled.length === 0 && state.lease !== undefined && stillGood(state.lease, wanted, command.at)) {
    return { granted: state.lease, facts: [] };
  }
  return { granted: wanted, facts: [...enrolled, fact('LeaseGranted', wanted)] };
}

function reasonsAgainst(command: RequestLease, state: MachineState): Reason[] {
  const { license } = command;
  if (license.status === 'unknown' || license.customerId !== command.customerId) {
    return [{ code: 'license-unknown', reason: `licence ${command.licenseId} is not known here` }];
  }
  const reasons: Reason[] = [];
  const has = entitlement(license.terms, license.status === 'revoked', command.kernel, command.at);
  if (!has.entitled) reasons.push(...has.reasons);
  const isSeated = state.enrolment?.licenseId === license.licenseId;
  if (!isSeated && command.otherMachines >= license.terms.seats) {
    reasons.push({
      code: 'no-seat-left',
      reason: `all ${license.terms.seats} seats of licence ${license.licenseId} are taken`,
    });
  }
  return reasons;
}

/** Whole seconds, as in the token. */
function leaseEnd(license: Exclude<LicenseState, { status: 'unknown' }>, at: Date): string {
  const { expiresAt, graceSec } = license.terms;
  const licenseEndMs = expiresAt === undefined ? Infinity : Date.parse(expiresAt) + graceSec * 1000;
  const endMs = Math.min(at.getTime() + maxLeaseMs, licenseEndMs);
  // Never rounded down to nothing: a lease of less than a second would be born ended.
  return new Date(Math.max(Math.floor(endMs / 1000) * 1000, at.getTime() + 1000)).toISOString();
}

/** The machine enrols: for the first time, with another licence, or under another name. */
function enrolment(command: RequestLease, state: MachineState): Fact[] {
  const { machineId, licenseId, customerId, keyThumbprint, kernel } = command;
  const before = state.enrolment;
  const hostname = command.hostname ?? before?.hostname;
  if (before !== undefined && before.licenseId === licenseId && before.hostname === hostname) return [];
  const name = hostname === undefined ? {} : { hostname };
  return [fact('MachineEnrolled', { machineId, licenseId, customerId, ...name, keyThumbprint, kernel })];
}

/** The same lease, which can't be lengthened, or of which half a lease's time is left. */
function stillGood(standing: EventData<'LeaseGranted'>, wanted: EventData<'LeaseGranted'>, at: Date): boolean {
  const endMs = Date.parse(standing.expiresAt);
  const gainedMs = Date.parse(wanted.expiresAt) - endMs;
  const leftMs = endMs - at.getTime();
  return (
    leftMs > 0 &&
    (gainedMs === 0 || (gainedMs > 0 && leftMs >= maxLeaseMs / 2)) &&
    standing.licenseId === wanted.licenseId &&
    standing.tier === wanted.tier &&
    isDeepStrictEqual(standing.kernel, wanted.kernel)
  );
}

function codeOf(reason: Reason): string {
  return reason.code;
}
