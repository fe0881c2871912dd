import fc from 'fast-check';
import { type Enrolment, RecentEnrolments } from './recent-enrolments.js';

const windowMs = 1_000;
const marks = ['a', 'b'].map((letter) => letter.repeat(43));

/** Times that mostly go on, a little back and forth, as those of several clocks. */
const enrolments = fc
  .array(fc.record({ laterMs: fc.integer({ min: -20, max: 300 }), mark: fc.constantFrom(undefined, ...marks) }))
  .map((steps): Enrolment[] => {
    let atMs = 10_000;
    return steps.map(({ laterMs, mark }, n) => {
      atMs += laterMs;
      return { machineId: `m${n}`, atMs, ...(mark === undefined ? {} : { hardware: mark }) };
    });
  });

describe('recent enrolments', () => {
  it('are those that looking at each of them finds', () => {
    fc.assert(
      fc.property(enrolments, fc.integer({ min: 0, max: windowMs }), (all, backMs) => {
        const recent = new RecentEnrolments(windowMs);
        for (const one of all) recent.add(one);
        // Nobody asks for what was before the window of the last.
        const lastMs = Math.max(10_000, ...all.map(({ atMs }) => atMs));
        const after = all.filter(({ atMs }) => atMs > lastMs - backMs);
        expect(recent.countSince(lastMs - backMs)).toBe(after.length);
        for (const mark of marks) {
          const found = recent.ofHardware(mark, lastMs - backMs).map(({ machineId }) => machineId);
          const expected = after.filter(({ hardware }) => hardware === mark).map(({ machineId }) => machineId);
          expect(found).toEqual(expected);
        }
      }),
    );
  });

  it('fold a large licence without looking at all machines for each', () => {
    const recent = new RecentEnrolments(windowMs);
    // Looked at one by one, these would be 20,000,000,000 steps: the test would time out.
    for (let n = 0; n < 200_000; n += 1) recent.add({ machineId: `m${n}`, atMs: 10_000 });
    expect(recent.countSince(9_999)).toBe(200_000);
  });
});
