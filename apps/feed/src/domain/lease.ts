import { isDeepStrictEqual } from 'node:util';
import {
  derivedId,
  type EventData,
  type Fact,
  fact,
  type Mark,
  type Reason,
  type RunningKernel,
} from '#libs/contracts';
import { endMs, type LicenseState, refusals, type Standing } from '#libs/licensing';
import { maxLeaseMs } from '#libs/trust';
import type { MachineState } from './machine.js';

/** A machine asks for a lease, the first time or again. */
export interface RequestLease {
  readonly machineId: string;
  readonly keyThumbprint: string;
  /** As which user it listens to hints. */
  readonly hintUser: string;
  readonly hostname?: string;
  readonly kernel: RunningKernel;
  readonly hardware?: Mark;
  /** What the genuine licence that it shows names. */
  readonly licenseId: string;
  readonly customerId: string;
  /** It is being registered, not only asking on. */
  readonly registers: boolean;
  /** The licence as the log has it now: renewed or revoked since it was handed out. */
  readonly license: LicenseState;
  /** How the machine stands with the licence: seats, other trials, and how often it was installed. */
  readonly standing: Standing;
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
  const reasons = reasonsAgainst(command);
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
    hintUser: command.hintUser,
  };
  const enrolled = enrolment(command, state);
  if (enrolled.length === 0 && state.lease !== undefined && stillGood(state.lease, wanted, command.at)) {
    return { granted: state.lease, facts: [] };
  }
  return { granted: wanted, facts: [...enrolled, fact('LeaseGranted', wanted)] };
}

function reasonsAgainst({ license, ...command }: RequestLease): Reason[] {
  const isKnown = license.status !== 'unknown';
  const wasTheirs = isKnown && (license.customerId === command.customerId || license.transfers.length > 0);
  return wasTheirs ? refusals(license, command) : [unknownLicense(command)];
}

function unknownLicense({ licenseId }: Pick<RequestLease, 'licenseId'>): Reason {
  return { code: 'license-unknown', reason: `licence ${licenseId} is not known here` };
}

/** Whole seconds, as in the token. */
function leaseEnd(license: Exclude<LicenseState, { status: 'unknown' }>, at: Date): string {
  const { offlineMaxSec = Infinity } = license.terms;
  const lengthMs = Math.min(maxLeaseMs, offlineMaxSec * 1000);
  const leaseEndMs = Math.min(at.getTime() + lengthMs, endMs(license.terms));
  // Never rounded down to nothing: a lease of less than a second would be born ended.
  return new Date(Math.max(Math.floor(leaseEndMs / 1000) * 1000, at.getTime() + 1000)).toISOString();
}

/** The machine enrols: for the first time, again after its seat was freed, with another licence, under another name, or on other hardware. */
function enrolment(command: RequestLease, state: MachineState): Fact[] {
  const { machineId, licenseId, customerId, keyThumbprint, kernel } = command;
  const before = state.enrolment;
  const hostname = command.hostname ?? before?.hostname;
  if (
    before !== undefined &&
    state.released !== true &&
    before.licenseId === licenseId &&
    before.customerId === customerId &&
    before.hostname === hostname &&
    before.hardware === command.hardware
  ) {
    return [];
  }
  const told = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(command.hardware === undefined ? {} : { hardware: command.hardware }),
  };
  return [fact('MachineEnrolled', { machineId, licenseId, customerId, ...told, keyThumbprint, kernel })];
}

/** The same lease, which can't be lengthened, or of which half a lease's time is left. */
function stillGood(standing: EventData<'LeaseGranted'>, wanted: EventData<'LeaseGranted'>, at: Date): boolean {
  const standingEndMs = Date.parse(standing.expiresAt);
  const gainedMs = Date.parse(wanted.expiresAt) - standingEndMs;
  const leftMs = standingEndMs - at.getTime();
  const halfMs = (Date.parse(wanted.expiresAt) - at.getTime()) / 2;
  return (
    leftMs > 0 &&
    (gainedMs === 0 || (gainedMs > 0 && leftMs >= halfMs)) &&
    standing.licenseId === wanted.licenseId &&
    standing.tier === wanted.tier &&
    standing.hintUser === wanted.hintUser &&
    isDeepStrictEqual(standing.kernel, wanted.kernel)
  );
}

function codeOf(reason: Reason): string {
  return reason.code;
}
