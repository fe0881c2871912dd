import { isDeepStrictEqual } from 'node:util';
import { evolveMachine, type MachineState, type UpdateFact } from './machine.js';

type UpdateType = UpdateFact['type'];

/** Where a fact about a bundle usually comes from; `undefined`: nothing was reported of it yet. */
const usualPredecessors: Readonly<Record<UpdateType, readonly (UpdateType | undefined)[]>> = {
  UpdateStaged: [undefined, 'UpdateReversed', 'UpdateReplaced', 'UpdateFailed'],
  // Again after a boot, which takes every live patch away.
  UpdateApplied: ['UpdateStaged', 'UpdateStalled', 'UpdateApplied'],
  // While it is applied, or while it is reversed.
  UpdateStalled: ['UpdateStaged', 'UpdateStalled', 'UpdateApplied'],
  UpdateReversed: ['UpdateApplied', 'UpdateStalled'],
  UpdateReplaced: ['UpdateApplied', 'UpdateStalled'],
  UpdateFailed: ['UpdateStaged', 'UpdateStalled', 'UpdateApplied'],
};

export interface ReportDecision {
  readonly facts: readonly UpdateFact[];
  /** What came out of turn: an earlier report was lost, or the machine was restored from a backup. */
  readonly unexpected: readonly string[];
}

/**
 * Takes a machine's report. The machine alone knows what runs in it, so a fact that comes out of turn is recorded all the same
 * and pointed out; only what says word for word what was said last is left out.
 */
export function decideReport(report: readonly UpdateFact[], state: MachineState): ReportDecision {
  const facts: UpdateFact[] = [];
  const unexpected: string[] = [];
  let current = state;
  for (const update of report) {
    const { bundleId } = update.data;
    const before = current.updates.get(bundleId);
    if (isDeepStrictEqual(before, update)) continue;
    if (!usualPredecessors[update.type].includes(before?.type)) {
      unexpected.push(`${update.type} of ${bundleId} after ${before?.type ?? 'nothing'}`);
    }
    facts.push(update);
    current = evolveMachine(current, update);
  }
  return { facts, unexpected };
}
