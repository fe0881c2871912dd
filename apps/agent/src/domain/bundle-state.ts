import type { Reason } from '#libs/contracts';
import type { BundleSummary, JournalRecord } from './record.js';

export type Phase = 'staged' | 'applying' | 'applied' | 'refused' | 'reversing' | 'reversed' | 'replaced';

/** What the journal says of a bundle. */
export interface BundleState {
  readonly bundleId: string;
  readonly summary?: BundleSummary;
  readonly phase?: Phase;
  /** When and in which boot it came to that. */
  readonly since: string;
  readonly bootId: string;
  readonly transitionMs?: number;
  /** The level that took its place. */
  readonly replacedBy?: string;
  /** Of a refusal. */
  readonly reasons: readonly Reason[];
  readonly attempt: number;
  readonly hold?: { readonly by: 'operator' | 'crash'; readonly reason: string };
}

export type BundleStates = ReadonlyMap<string, BundleState>;

/** States after all records, in the order in which the bundles were first heard of. */
export function statesFrom(records: readonly JournalRecord[]): BundleStates {
  const states = new Map<string, BundleState>();
  for (const record of records) states.set(record.bundleId, evolveBundle(states.get(record.bundleId), record));
  return states;
}

export function evolveBundle(before: BundleState | undefined, record: JournalRecord): BundleState {
  const { bundleId, at, bootId } = record;
  const state = before ?? { bundleId, since: at, bootId, reasons: [], attempt: 0 };
  const moved = { ...state, since: at, bootId, reasons: [], transitionMs: undefined, replacedBy: undefined };
  switch (record.type) {
    case 'Staged':
      return { ...moved, phase: 'staged', summary: record.summary };
    case 'ApplyBegun':
      return { ...moved, phase: 'applying' };
    case 'Applied':
      return { ...moved, phase: 'applied', transitionMs: record.transitionMs, attempt: 0 };
    case 'Refused':
      return { ...moved, phase: 'refused', reasons: record.reasons, attempt: record.attempt };
    case 'Stalled':
      return state;
    case 'ReverseBegun':
      return { ...moved, phase: 'reversing' };
    case 'Reversed':
      return { ...moved, phase: 'reversed', transitionMs: record.transitionMs, attempt: 0 };
    case 'Replaced':
      return { ...moved, phase: 'replaced', replacedBy: record.by, attempt: 0 };
    case 'Held':
      return { ...state, hold: { by: record.by, reason: record.reason } };
    case 'Released':
      // What was refused gets another try, whatever it was refused for.
      return { ...state, hold: undefined, ...(state.phase === 'refused' ? { phase: undefined, reasons: [] } : {}) };
    default:
      return unknownRecord(record);
  }
}

function unknownRecord(record: never): never {
  throw new TypeError(`no such record: ${JSON.stringify(record)}`);
}

/** Whether its functions run now, as far as the journal knows. */
export function isApplied(state: BundleState | undefined, bootId: string): boolean {
  return state?.phase === 'applied' && state.bootId === bootId;
}

/**
 * Records from which the same states follow: of each bundle the last that tells its content, its phase, its hold and its release.
 * Those after `reportedSeq` are kept too: the service hasn't heard of them.
 */
export function compact(records: readonly JournalRecord[], reportedSeq: number): JournalRecord[] {
  const kept = new Set<JournalRecord>();
  const seen = new Set<string>();
  for (const record of records.toReversed()) {
    for (const kind of kindsOf(record)) {
      const key = `${kind} ${record.bundleId}`;
      if (!seen.has(key)) kept.add(record);
      seen.add(key);
    }
  }
  return records.filter((record) => kept.has(record) || record.seq > reportedSeq);
}

function kindsOf({ type }: JournalRecord): readonly string[] {
  if (type === 'Staged') return ['content', 'phase'];
  // It undoes a refusal, if there was one before it, and no other phase.
  if (type === 'Released') return ['hold', 'release'];
  if (type === 'Stalled') return [];
  return type === 'Held' ? ['hold'] : ['phase'];
}
