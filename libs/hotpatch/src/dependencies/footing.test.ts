import type { Footing } from '#libs/series';
import { closureOf } from './footing.js';

/** What each commit's changes to a file rest on: `needed | near`. */
const footings: Readonly<Record<number, Readonly<Record<string, readonly [number[], number[]]>>>> = {
  0: { 'a.c': [[], []], 'a.h': [[], []] },
  1: { 'a.h': [[0], [0]] },
  4: { 'a.c': [[], [0]], 'b.c': [[], []] },
  5: { 'b.c': [[4], [4]], 'a.h': [[1], [0, 1]] },
};
const pathsOf = (commit: number): readonly string[] => Object.keys(footings[commit] ?? {});
const footingOf = async (commit: number, path: string): Promise<Footing> => {
  const [needed, near] = footings[commit]?.[path] ?? [[], []];
  return { needed: new Set(needed), near: new Set(near), sharing: new Set(path === 'b.c' ? [9] : []) };
};

test('a commit that rests on nothing comes alone, and tells of what is near', async () => {
  const { commits, why, merged, shared } = await closureOf(new Map([[4, undefined]]), pathsOf, footingOf);
  expect({ commits, why: [...why], merged: [...merged] }).toEqual({ commits: [4], why: [], merged: [['a.c', [0]]] });
  expect([...shared]).toEqual([['b.c', [9]]]);
});

test('what its lines rest on comes along, and what that rests on, in the series’ order', async () => {
  const { commits, why, merged } = await closureOf(new Map([[5, undefined]]), pathsOf, footingOf);
  expect(commits).toEqual([0, 1, 4, 5]);
  expect([...why.keys()].sort((a, b) => a - b)).toEqual([0, 1, 4]);
  expect(why.get(1)).toContain('a.h');
  expect([...merged]).toEqual([]);
});

test('a commit that was asked for by name keeps that reason', async () => {
  const { why } = await closureOf(
    new Map([
      [5, undefined],
      [1, 'brings it'],
    ]),
    pathsOf,
    footingOf,
  );
  expect(why.get(1)).toBe('brings it');
});
