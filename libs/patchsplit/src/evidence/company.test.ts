import { deltaOf } from '../hunks/delta.js';
import { companions } from './companions.js';
import { companyOf } from './company.js';
import { formOf } from './form.js';
import { allHunkWords } from './hunk-words.js';
import { noneAround } from './none-around.js';

const side = (text: string) => ({ mode: '100644' as const, lines: text.match(/[^\n]*\n/g) ?? [] });
const formsOf = (path: string, before: string | undefined, after: string | undefined): string[] => {
  const delta = deltaOf(
    path,
    before === undefined ? undefined : side(before),
    after === undefined ? undefined : side(after),
  );
  const [hunk] = delta.hunks;
  return hunk ? formOf(delta, hunk, new Set(['lock'])) : [];
};

const lines = (...of: string[]): ReturnType<typeof side> => side(of.map((line) => `${line}\n`).join(''));
const none = (...of: number[]) => of.map((sure) => ({ of: new Float64Array(), none: sure }));

describe('formOf', () => {
  test.each([
    ['a file that comes', undefined, 'a\n', ['*comes']],
    ['a file that goes', 'a\n', undefined, ['*goes']],
    ['lines that come', 'a\n', 'a\nb\n', ['*grows']],
    ['lines that go', 'a\nb\n', 'a\n', ['*shrinks']],
    ['a line for a line', 'a\n', 'b\n', ['*one-line']],
    ['lines for lines', 'a\nb\n', 'c\nd\n', []],
  ])('%s', (_, before, after, own) => {
    expect(formsOf('net/x.c', before, after)).toEqual(['*.c', '*lock', ...own]);
  });

  test.each([
    ['drivers/net/Kconfig', '*kconfig'],
    ['Makefile.build', '*.build'],
    ['arch/arm/boot/dts/x.dts', '*.dts'],
    ['MAINTAINERS', '*maintainers'],
  ])('%s is %s', (path, kind) => {
    expect(formsOf(path, 'a\n', 'b\n')[0]).toBe(kind);
  });
});

describe('companyOf', () => {
  const [word = '', tokens = {}] = Object.entries(companions).find(([, of]) => Object.keys(of).length > 1) ?? [];

  test('each word of subjects has the strongest of what speaks for it in the changed lines', () => {
    const changed = new Map(Object.keys(tokens).map((token) => [token, 2]));
    expect(companyOf(changed, []).get(word)).toBe(Math.max(...Object.values(tokens)));
    // Forms count as words do.
    expect(companyOf(new Map(), Object.keys(tokens)).get(word)).toBe(Math.max(...Object.values(tokens)));
  });

  test('what stands around the change speaks for nothing', () => {
    expect(companyOf(new Map(Object.keys(tokens).map((token) => [token, 1])), [])).toEqual(new Map());
  });
});

describe('noneAround', () => {
  const gap = Array.from({ length: 9 }, (_, at) => `gap ${at}`);
  const files = [deltaOf('net/x.c', lines('a', ...gap, 'b', ...gap, 'c'), lines('A', ...gap, 'B', ...gap, 'C'))];
  const hunks = allHunkWords(files);

  test('a hunk among those that are nobody’s is likelier nobody’s, by its links and by its file', () => {
    const links = [[{ to: 1, kind: 0, weight: 1 }], [], []];
    const [alone, linked, others] = noneAround(hunks, links, none(0.5, 0.9, 0.9))[0] ?? [];
    expect(alone).toBeCloseTo(0);
    expect(linked).toBeGreaterThan(0.7);
    expect(others).toBeGreaterThan(0.7);
    expect(noneAround(hunks, links, none(0.5, 0.1, 0.1))[0]?.[1]).toBeLessThan(0.3);
  });

  test('where nothing is linked it is as likely as not, and odds have a bound', () => {
    expect(noneAround(hunks, [[], [], []], none(1, 0, 0)).map(([odds, linked]) => [odds, linked])).toEqual([
      [6, 0.5],
      [-6, 0.5],
      [-6, 0.5],
    ]);
  });
});
