import { derivedId, type AggregateId, type EventData, type Fact, fact, type Reason } from '#libs/contracts';

/** Where the import of a kernel stands. */
export interface KernelState {
  readonly received?: EventData<'KernelReceived'>;
  readonly imported?: EventData<'KernelImported'>;
  /** Why the last try failed; gone once its packages have been received again. */
  readonly rejected?: readonly Reason[];
}

/** Folds a kernel's stream. */
export function kernelState(facts: readonly Fact[]): KernelState {
  return facts.reduce<KernelState>((state, { type, data }) => {
    switch (type) {
      case 'KernelReceived':
        return { received: data };
      case 'KernelImported':
        return { ...state, imported: data };
      case 'KernelRejected':
        return { ...state, rejected: data.reasons };
      default:
        return state;
    }
  }, {});
}

/** The same packages are the same kernel. */
export function kernelIdOf(digests: readonly string[]): AggregateId {
  return derivedId('kernel', ...[...digests].sort());
}

/** Packages that are there already change nothing, unless they were rejected: then they are tried again. */
export function decideReceived(state: KernelState, received: EventData<'KernelReceived'>): readonly Fact[] {
  if (state.received && !state.rejected) return [];
  return [fact('KernelReceived', received)];
}

/** Says whether there is anything left to do for a kernel. */
export function needsImport(state: KernelState): boolean {
  return state.received !== undefined && state.imported === undefined && state.rejected === undefined;
}
