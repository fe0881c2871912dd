import type { LoadedPatch } from '#libs/loader';
import { type BundleState, type BundleStates, isApplied } from './bundle-state.js';
import { fixIdsOf } from './level.js';
import type { NewRecord } from './record.js';

/**
 * Makes the journal true again after whatever happened: what was begun and never ended, and what somebody else did.
 * - An apply that was begun in an earlier boot and never ended: the machine went down with it. It is held back.
 * - One begun in this boot: only the agent went down; the kernel says how it ended.
 * - Applied, but not in the kernel: a level that contains it took its place, or somebody took it out.
 */
export function recover(states: BundleStates, bootId: string, loaded: readonly LoadedPatch[]): NewRecord[] {
  const modules = new Map(loaded.map((patch) => [patch.module, patch]));
  return [...states.values()].flatMap((state): NewRecord[] => {
    const { bundleId, phase } = state;
    const patch = modules.get(state.summary?.module ?? '');
    const runs = patch !== undefined && patch.enabled && !patch.inTransition;
    if (phase === 'applying' && state.bootId !== bootId) {
      const reason = `the machine went down while it was being applied (${state.since})`;
      return [refused(bundleId, state.attempt, 'crashed', reason), { type: 'Held', bundleId, by: 'crash', reason }];
    }
    if (phase === 'reversing' && state.bootId !== bootId) return [{ type: 'Reversed', bundleId, transitionMs: 0 }];
    if (phase === 'applying' || phase === 'reversing') {
      if (runs) return [{ type: 'Applied', bundleId, transitionMs: 0 }];
      if (patch !== undefined) return [];
      if (phase === 'reversing') return [{ type: 'Reversed', bundleId, transitionMs: 0 }];
      return [refused(bundleId, state.attempt, 'interrupted', 'the agent was ended while it applied this bundle')];
    }
    if (isApplied(state, bootId) && patch === undefined) {
      const by = replacerOf(state, states, bootId, modules);
      if (by !== undefined) return [{ type: 'Replaced', bundleId, by }];
      return [{ type: 'Reversed', bundleId, transitionMs: 0 }];
    }
    return [];
  });
}

/** A level of this boot that is in the kernel and contains the bundle. */
function replacerOf(
  { bundleId, summary }: BundleState,
  states: BundleStates,
  bootId: string,
  modules: ReadonlyMap<string, LoadedPatch>,
): string | undefined {
  const fixIds = fixIdsOf(summary);
  if (fixIds === undefined) return undefined;
  for (const other of states.values()) {
    const patch = modules.get(other.summary?.module ?? '');
    const began = other.bootId === bootId && (other.phase === 'applied' || other.phase === 'applying');
    if (other.bundleId === bundleId || other.summary?.level === undefined || !began || patch?.enabled !== true)
      continue;
    const contained = new Set(fixIdsOf(other.summary));
    if (fixIds.every((fixId) => contained.has(fixId))) return other.bundleId;
  }
  return undefined;
}

function refused(bundleId: string, attempt: number, code: string, reason: string): NewRecord {
  return { type: 'Refused', bundleId, reasons: [{ code, reason }], attempt: attempt + 1 };
}
