import type { EventData, Fact } from '#libs/contracts';

/** What a machine reports of one bundle. */
export type UpdateFact = Fact<
  'UpdateStaged' | 'UpdateApplied' | 'UpdateStalled' | 'UpdateReversed' | 'UpdateReplaced' | 'UpdateFailed'
>;
export type MachineFact =
  Fact<'MachineEnrolled' | 'LeaseGranted' | 'LeaseRefused' | 'MachineReleased' | 'MachineRetired'> | UpdateFact;

export interface MachineState {
  readonly enrolment?: EventData<'MachineEnrolled'>;
  /** An operator freed its seat since it enrolled. */
  readonly released?: boolean;
  /** The last lease, ended or not; absent once a later one was refused. */
  readonly lease?: EventData<'LeaseGranted'>;
  /** Why the last request for a lease was refused; absent once a later one was granted. */
  readonly refusal?: EventData<'LeaseRefused'>;
  /** What was last reported of each bundle. */
  readonly updates: ReadonlyMap<string, UpdateFact>;
}

export const initialMachine = (): MachineState => ({ updates: new Map() });

export function evolveMachine(state: MachineState, event: MachineFact): MachineState {
  if (event.type === 'MachineEnrolled') return { ...state, enrolment: event.data, released: false };
  if (event.type === 'MachineReleased' || event.type === 'MachineRetired') {
    return { ...state, released: true, lease: undefined };
  }
  if (event.type === 'LeaseGranted') return { ...state, lease: event.data, refusal: undefined };
  if (event.type === 'LeaseRefused') return { ...state, lease: undefined, refusal: event.data };
  const update: UpdateFact = event;
  return { ...state, updates: new Map(state.updates).set(update.data.bundleId, update) };
}

export function isMachineFact(fact: Fact): fact is MachineFact {
  switch (fact.type) {
    case 'MachineEnrolled':
    case 'LeaseGranted':
    case 'LeaseRefused':
    case 'MachineReleased':
    case 'MachineRetired':
    case 'UpdateStaged':
    case 'UpdateApplied':
    case 'UpdateStalled':
    case 'UpdateReversed':
    case 'UpdateReplaced':
    case 'UpdateFailed':
      return true;
    default:
      return false;
  }
}

/** Folds a machine's stream. */
export function machineFrom(facts: readonly Fact[]): MachineState {
  return facts.filter(isMachineFact).reduce(evolveMachine, initialMachine());
}

/** How it stands with a bundle on a machine. */
export type OnMachine =
  /** It is, or may be, in the running kernel: what was staged may have been applied since. */
  | 'held'
  | 'failed'
  /** Somebody took it out by itself, or it took the machine down. */
  | 'taken-back';

/** What a report says of a bundle that no level has replaced. */
export function onMachine(update: Exclude<UpdateFact, { type: 'UpdateReplaced' }>): OnMachine {
  if (update.type === 'UpdateReversed') return 'taken-back';
  if (update.type !== 'UpdateFailed') return 'held';
  return update.data.reasons.some(({ code }) => code === 'crashed') ? 'taken-back' : 'failed';
}
