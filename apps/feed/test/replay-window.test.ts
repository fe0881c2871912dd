import { ReplayWindow } from '../src/replay-window.js';

const start = new Date('2026-11-23T10:00:00Z').getTime();
const at = (minutes: number) => new Date(start + minutes * 60_000);

describe('the replay window', () => {
  it('takes a proof once, for as long as the proof could be shown', () => {
    for (const first of [0, 3, 9.9]) {
      const window = new ReplayWindow();
      window.remember('m0', 'x', at(0));
      window.remember('m1', 'a', at(first));
      for (const later of [0, 0.1, 5, 9.9, 10]) {
        expect(() => window.remember('m1', 'a', at(first + later))).toThrow(
          expect.objectContaining({ code: 'replayed' }),
        );
      }
    }
  });

  it('keeps machines apart, and forgets in the end', () => {
    const window = new ReplayWindow();
    window.remember('m1', 'a', at(0));
    window.remember('m2', 'a', at(0));
    window.remember('m1', 'a', at(21));
  });

  it('is bounded for each machine', () => {
    const window = new ReplayWindow();
    for (let n = 0; n < 2_000; n += 1) window.remember('m1', `p${n}`, at(0));
    expect(() => window.remember('m1', 'one-more', at(0))).toThrow(
      expect.objectContaining({ code: 'too-many-requests' }),
    );
    window.remember('m2', 'p0', at(0));
  });

  it('does not forget when the clock is set back', () => {
    const window = new ReplayWindow();
    window.remember('m1', 'a', at(0));
    expect(() => window.remember('m1', 'a', at(-3))).toThrow(expect.objectContaining({ code: 'replayed' }));
  });
});
