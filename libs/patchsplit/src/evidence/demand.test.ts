import fc from 'fast-check';
import { demandOn, isSure } from './demand.js';

const step = (hunks: number, certainty: number) =>
  Array.from({ length: hunks }, () => ({ of: Float64Array.of(certainty, 0.01), none: 0.99 - certainty }));
const claim = (belief: number) => ({ subject: 0, belief, by: 'names' as const });

test('a step that is as sure as the kernel’s may go by the path', () => {
  const demand = demandOn(step(200, 0.7));
  expect([...demand.grounds]).toEqual(['names', 'path']);
  expect(isSure(demand, claim(0.67), 4)).toBe(true);
  expect(isSure(demand, claim(0.67), 64)).toBe(false);
});

test('a vague one may not, and gives away nothing long', () => {
  const demand = demandOn(step(200, 0.5));
  expect([...demand.grounds]).toEqual(['names']);
  expect(isSure(demand, claim(0.89), 1)).toBe(false);
  expect(isSure(demand, claim(0.91), 30)).toBe(true);
  expect(isSure(demand, claim(1), 31)).toBe(false);
});

test('few hunks tell nothing of their step', () => {
  expect(demandOn(step(199, 0.1))).toEqual(demandOn(step(200, 0.9)));
});

test('the less sure a step is of its hunks, the surer of each it must be', () => {
  const certainty = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(certainty, certainty, (a, b) => {
      const [less = 0, more = 0] = [a, b].sort((x, y) => x - y);
      expect(demandOn(step(200, less)).few).toBeGreaterThanOrEqual(demandOn(step(200, more)).few);
    }),
  );
});
