import fc from 'fast-check';
import { Backoff, reconnectDelayMs } from '../src/index.js';

const attempt = fc.integer({ min: 1, max: 10_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const longestMs = 5 * 60_000;

test('a wait is within its window, which doubles and ends at five minutes', () => {
  fc.assert(
    fc.property(attempt, random, (n, r) => {
      const windowMs = Math.min(1_000 * 2 ** n, longestMs);
      expect(reconnectDelayMs(n, r)).toBeGreaterThanOrEqual(0);
      expect(reconnectDelayMs(n, r)).toBeLessThan(windowMs);
    }),
  );
});

test('a fleet comes back evenly over the window: of no tenth of it comes more than its share', () => {
  fc.assert(
    fc.property(attempt, fc.integer({ min: 10, max: 2_000 }), (n, machines) => {
      // As even as random numbers are in the long run.
      const waits = Array.from({ length: machines }, (_, k) => reconnectDelayMs(n, (k + 0.5) / machines));
      const windowMs = Math.min(1_000 * 2 ** n, longestMs);
      const tenths = waits.map((ms) => Math.floor((10 * ms) / windowMs));
      for (let tenth = 0; tenth < 10; tenth += 1) {
        expect(tenths.filter((one) => one === tenth).length).toBeLessThanOrEqual(Math.ceil(machines / 10) + 1);
      }
    }),
  );
});

test('what works begins anew', () => {
  const backoff = new Backoff();
  for (let n = 0; n < 20; n += 1) backoff.next();
  backoff.reset();
  expect(backoff.next()).toBeLessThan(2_000);
});
