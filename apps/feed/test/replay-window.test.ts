import { proofsOfLicense, proofsOfMachine, ReplayWindow } from '../src/replay-window.js';

const start = new Date('2026-11-23T10:00:00Z').getTime();
const at = (minutes: number) => new Date(start + minutes * 60_000);

describe('the replay window', () => {
  it('takes a proof once, for as long as the proof could be shown', () => {
    for (const first of [0, 3, 9.9]) {
      const window = new ReplayWindow();
      window.remember('m0', 3, 'x', at(0));
      window.remember('m1', 3, 'a', at(first));
      for (const later of [0, 0.1, 5, 9.9, 10]) {
        expect(() => window.remember('m1', 3, 'a', at(first + later))).toThrow(
          expect.objectContaining({ code: 'replayed' }),
        );
      }
    }
  });

  it('keeps machines apart, and forgets in the end', () => {
    const window = new ReplayWindow();
    window.remember('m1', 3, 'a', at(0));
    window.remember('m2', 3, 'a', at(0));
    expect(() => window.remember('m2', 3, 'a', at(1))).toThrow(expect.objectContaining({ code: 'replayed' }));
    expect(() => window.remember('m1', 3, 'a', at(21))).not.toThrow();
  });

  it('is bounded for each machine', () => {
    const window = new ReplayWindow();
    for (let n = 0; n < 3; n += 1) window.remember('m1', 3, `p${n}`, at(0));
    expect(() => window.remember('m1', 3, 'one-more', at(0))).toThrow(
      expect.objectContaining({ code: 'too-many-requests' }),
    );
    window.remember('m2', 3, 'p0', at(0));
  });

  it('has room for every fleet, and for no flood', () => {
    expect(proofsOfMachine).toBe(2_000);
    expect(proofsOfLicense(10)).toBe(2_040);
    expect(proofsOfLicense(1_000_000)).toBe(500_000);
  });

  it('does not forget when the clock is set back', () => {
    const window = new ReplayWindow();
    window.remember('m1', 3, 'a', at(0));
    expect(() => window.remember('m1', 3, 'a', at(-3))).toThrow(expect.objectContaining({ code: 'replayed' }));
  });
});
