import { pairAlike } from './alike-files.js';

const keysOf = (...keys: readonly string[]): Set<string> => new Set(keys);

test('files are paired by half of their lines at least', () => {
  const gone = new Map([
    ['a', keysOf('one', 'two')],
    ['b', keysOf('three', 'four', 'five')],
  ]);
  const came = new Map([
    ['x', keysOf('one', 'six')],
    ['y', keysOf('three', 'six', 'seven')],
  ]);
  expect([...pairAlike(gone, came)]).toEqual([['a', 'x']]);
});

test('the likest are paired first, and none twice', () => {
  const gone = new Map([
    ['a', keysOf('one', 'two', 'three')],
    ['b', keysOf('one', 'two')],
  ]);
  const came = new Map([['x', keysOf('one', 'two')]]);
  expect([...pairAlike(gone, came)]).toEqual([['b', 'x']]);
});

test('of files with the same lines those are paired that are of one name, or in one folder', () => {
  const same = keysOf('a script of three words');
  const gone = new Map([
    ['data/offline/script.ad', same],
    ['data/offline/script.ipa', same],
    ['docs/script', same],
  ]);
  const came = new Map([
    ['docs/guide', same],
    ['data/cache/script.ipa', same],
    ['data/cache/script.ad', same],
  ]);
  expect(Object.fromEntries(pairAlike(gone, came))).toEqual({
    'data/offline/script.ad': 'data/cache/script.ad',
    'data/offline/script.ipa': 'data/cache/script.ipa',
    'docs/script': 'docs/guide',
  });
});

test('what a hundred files have pairs none', () => {
  const same = keysOf('SPDX-License-Identifier: MIT');
  const came = new Map(Array.from({ length: 101 }, (_, at) => [`file${at}`, same] as const));
  expect(pairAlike(new Map([['gone', same]]), came).size).toBe(0);
});
