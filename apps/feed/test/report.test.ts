import { fact } from '#libs/contracts';
import { evolveMachine, initialMachine, type UpdateFact } from '../src/domain/machine.js';
import { decideReport } from '../src/domain/report.js';

const update = { machineId: 'm1', bundleId: 'b1' };
const staged = fact('UpdateStaged', update);
const applied = fact('UpdateApplied', { ...update, transitionMs: 3 });
const stalled = fact('UpdateStalled', { ...update, tasks: [{ pid: 7, name: 'vfork', stack: ['do_wait'] }] });
const reversed = fact('UpdateReversed', { ...update, transitionMs: 4 });
const failed = fact('UpdateFailed', { ...update, reasons: [{ code: 'insmod-failed', reason: 'ENOEXEC' }] });
const after = (...facts: UpdateFact[]) => facts.reduce(evolveMachine, initialMachine());

describe('a report', () => {
  it('goes the usual way without a word', () => {
    const ways: UpdateFact[][] = [
      [staged, applied, reversed, staged, applied],
      [staged, stalled, applied, stalled, reversed],
      [staged, failed, staged, stalled, failed],
      [staged, applied, fact('UpdateApplied', { ...update, transitionMs: 9 })],
    ];
    for (const way of ways) expect(decideReport(way, after())).toEqual({ facts: way, unexpected: [] });
  });

  it('is recorded out of turn too, and pointed out', () => {
    expect(decideReport([applied], after())).toEqual({
      facts: [applied],
      unexpected: ['UpdateApplied of b1 after nothing'],
    });
    expect(decideReport([staged], after(staged, applied)).unexpected).toEqual([
      'UpdateStaged of b1 after UpdateApplied',
    ]);
    expect(decideReport([reversed], after(staged, failed)).facts).toEqual([reversed]);
  });

  it('says nothing new when it says the last thing again', () => {
    expect(decideReport([applied], after(staged, applied))).toEqual({ facts: [], unexpected: [] });
    expect(decideReport([staged, staged, applied, applied], after()).facts).toEqual([staged, applied]);
  });

  it('keeps bundles apart', () => {
    const other = fact('UpdateApplied', { ...update, bundleId: 'b2', transitionMs: 1 });
    expect(decideReport([other], after(staged)).unexpected).toEqual(['UpdateApplied of b2 after nothing']);
  });
});
