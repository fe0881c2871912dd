import fc from 'fast-check';
import { fitted } from './fitted.js';

const rows = [
  ['machineId', 'hostname', 'why'],
  ['m-2f9c61', 'web-1.example.org', 'fixed live by b1, and by the kernel that it booted'],
  ['m-2f9c62', 'db 2', 'not reported yet'],
];

describe('rows in a width', () => {
  it('that is enough are as they were', () => {
    expect(fitted(rows, 76)).toEqual(rows);
  });

  it('lose words of their widest column first, and say so', () => {
    expect(fitted(rows, 46).map(([, , why]) => why)).toEqual(['why', 'fixed live by b1, …', 'not reported yet']);
    expect(fitted(rows, 46).map((row) => row.slice(0, 2))).toEqual(rows.map((row) => row.slice(0, 2)));
  });

  it('never lose a part of a word: an id is whole, whatever the width', () => {
    expect(fitted(rows, 1)).toEqual([
      ['machineId', 'hostname', 'why'],
      ['m-2f9c61', 'web-1.example.org', 'fixed …'],
      ['m-2f9c62', 'db 2', 'not …'],
    ]);
  });

  it('are measured in cells: two for 修, none for an accent, each line by itself', () => {
    expect(fitted([['修修修 修修修'], ['e\u0301 e\u0301 e\u0301 e\u0301']], 12)).toEqual([
      ['修修修 …'],
      ['e\u0301 e\u0301 e\u0301 e\u0301'],
    ]);
    expect(fitted([['one two\nthree four five']], 9)).toEqual([['one two\nthree …']]);
  });

  it('have paths over several lines where words are not enough, and lose nothing by that', () => {
    const paths = [
      ['2f9c61d0a8b7', 'drivers/net/ethernet/intel/e1000/e1000_main.c', 'a leak in it'],
      ['2f9c61d0a8b8', 'https://mirror.example.org/debian', 'nothing'],
    ];
    expect(fitted(paths, 64).map(([, path]) => path)).toEqual(paths.map(([, path]) => path));
    expect(fitted(paths, 54)).toEqual([
      ['2f9c61d0a8b7', 'drivers/net/ethernet/intel/e1000/\ne1000_main.c', 'a …'],
      ['2f9c61d0a8b8', 'https://mirror.example.org/debian', 'nothing'],
    ]);
    expect(fitted(paths, 1)).toEqual([
      ['2f9c61d0a8b7', 'drivers/net/\nethernet/intel/\ne1000/e1000_main.c', 'a …'],
      ['2f9c61d0a8b8', 'https://\nmirror.example.org/\ndebian', 'nothing'],
    ]);
  });

  it('fit wherever their first words do', () => {
    const word = fc.stringMatching(/^[a-z]{1,9}$/);
    const cell = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1 }),
        fc.integer({ min: 33, max: 90 }),
        (some, width) => {
          const fit = fitted(some, width);
          const widths = [0, 1, 2].map((column) => Math.max(...fit.map((row) => row[column]?.length ?? 0)));
          expect(widths.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(width);
          fit.flat().forEach((shown, at) => expect(some.flat()[at]?.startsWith(shown.replace(/ …$/, ''))).toBe(true));
        },
      ),
    );
  });
});
