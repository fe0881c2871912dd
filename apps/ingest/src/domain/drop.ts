import {
  type AggregateId,
  derivedId,
  type Digest,
  type EventData,
  type Fact,
  fact,
  type Reason,
} from '#libs/contracts';

/** Where the ingest of a drop stands. */
export interface DropState {
  readonly received?: EventData<'SourceDropReceived'>;
  readonly unpacked: boolean;
  /** Why it was rejected; gone once it has been handed in again. */
  readonly rejected?: readonly Reason[];
}

export type DropErrorCode =
  /** The drop is known already, and follows another one. */
  | 'other-base'
  /** A drop can't follow itself. */
  | 'own-base';

export class DropError extends Error {
  override readonly name = 'DropError';
  constructor(
    readonly code: DropErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Folds a drop's stream. */
export function dropState(facts: readonly Fact[]): DropState {
  return facts.reduce<DropState>(
    (state, { type, data }) => {
      switch (type) {
        case 'SourceDropReceived':
          return { received: data, unpacked: false };
        case 'SourceDropUnpacked':
          return { ...state, unpacked: true };
        case 'SourceDropRejected':
          return { ...state, rejected: data.reasons };
        default:
          return state;
      }
    },
    { unpacked: false },
  );
}

/** The same archive in the same line of kernels is the same drop. */
export function dropIdOf(product: string, archive: Digest): AggregateId {
  return derivedId(product, archive);
}

/**
 * A drop that is there already changes nothing, unless it was rejected: then it is tried again.
 * @throws DropError
 */
export function decideReceived(state: DropState, received: EventData<'SourceDropReceived'>): readonly Fact[] {
  if (received.base === received.dropId) throw new DropError('own-base', 'a drop can not follow itself');
  if (state.received && !state.rejected) {
    if (received.base === undefined || received.base === state.received.base) return [];
    const { base } = state.received;
    throw new DropError('other-base', `the drop is here already, ${base ? `after ${base}` : 'without a base'}`);
  }
  return [fact('SourceDropReceived', received)];
}

/** Says whether there is anything left to unpack. */
export function needsUnpacking(state: DropState): boolean {
  return state.received !== undefined && !state.unpacked && state.rejected === undefined;
}
