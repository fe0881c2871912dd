import { type Fact, fact } from '#libs/contracts';
import { LicensingRefusal } from './refusal.js';

/** Frees a machine's seat. It may be registered anew. */
export interface ReleaseMachine {
  readonly type: 'ReleaseMachine';
  readonly machineId: string;
  readonly reason: string;
}

/** Frees its seat, and never lets this key in again. */
export interface RetireMachine {
  readonly type: 'RetireMachine';
  readonly machineId: string;
  readonly reason: string;
}

export type MachineCommand = ReleaseMachine | RetireMachine;

/** What is decided here, and what that follows from. Leases are the feed's to decide on. */
export const machineSeatFactTypes = ['MachineEnrolled', 'LeaseRefused', 'MachineReleased', 'MachineRetired'] as const;
export type MachineSeatFact = Fact<(typeof machineSeatFactTypes)[number]>;

export type MachineSeat =
  | { readonly status: 'unknown' }
  /** Heard of, and never let in. */
  | { readonly status: 'refused' }
  | { readonly status: 'enrolled'; readonly licenseId: string }
  | { readonly status: 'released' }
  | { readonly status: 'retired' };

export const initialMachineSeat = (): MachineSeat => ({ status: 'unknown' });

/**
 * Decides on a machine's seat. What was done already decides nothing new. Neither takes anything out of a kernel.
 * @throws LicensingRefusal `machine-unknown`, `machine-not-enrolled`, `machine-retired`
 */
export function decideMachine(command: MachineCommand, state: MachineSeat): readonly MachineSeatFact[] {
  const { machineId, reason } = command;
  if (state.status === 'unknown') throw new LicensingRefusal('machine-unknown', `there is no machine ${machineId}`);
  if (command.type === 'RetireMachine') {
    return state.status === 'retired' ? [] : [fact('MachineRetired', { machineId, reason })];
  }
  switch (state.status) {
    case 'enrolled':
      return [fact('MachineReleased', { machineId, licenseId: state.licenseId, reason })];
    case 'released':
      return [];
    case 'retired':
      throw new LicensingRefusal('machine-retired', `machine ${machineId} was retired, and that is for good`);
    default:
      state.status satisfies 'refused';
      throw new LicensingRefusal('machine-not-enrolled', `machine ${machineId} has no seat: it was never let in`);
  }
}

export function evolveMachineSeat(state: MachineSeat, event: MachineSeatFact): MachineSeat {
  if (state.status === 'retired') return state;
  switch (event.type) {
    case 'MachineEnrolled':
      return { status: 'enrolled', licenseId: event.data.licenseId };
    case 'LeaseRefused':
      return state.status === 'unknown' ? { status: 'refused' } : state;
    case 'MachineReleased':
      return { status: 'released' };
    default:
      event.type satisfies 'MachineRetired';
      return { status: 'retired' };
  }
}
