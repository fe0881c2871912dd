import { deltaOf, type FileDelta } from '../hunks/delta.js';
import type { Belief } from './belief.js';
import { contextFeatures, pairsInContext } from './context.js';
import { allHunkWords } from './hunk-words.js';
import { linksOf } from './links.js';
import { pairFeatures } from './pair-features.js';
import { pairsOf } from './pairs.js';
import { wordsOf } from './subject.js';
import { SymbolIndex } from './symbol-index.js';

const side = (...lines: string[]) => ({ mode: '100644' as const, lines: lines.map((line) => `${line}\n`) });
const changed = (path: string, before: string, after: string): FileDelta => deltaOf(path, side(before), side(after));

describe('wordsOf', () => {
  test.each([
    ['x: lock foo_{get,put}_bar()', ['foo_get_bar', 'foo_put_bar']],
    ['x: lock {get,put}_bar() twice', ['get_bar', 'put_bar']],
    ['x: lock foo_{get, put}()', ['foo_get', 'foo_put']],
    ['x: mind {} and }{', []],
  ])('%s', (subject, names) => {
    expect([...wordsOf(subject).identifiers]).toEqual(names);
  });

  test('what is reverted is what it is about, and it says that it reverts', () => {
    const { prefix, said } = wordsOf('Revert "net: x: add a timer"');
    expect(prefix).toEqual(['net', 'x']);
    expect(said.has('revert')).toBe(true);
  });
});

const lookedAt = (files: readonly FileDelta[], subject: string): string[] => {
  const pairs = pairsOf(files, allHunkWords(files), [wordsOf(subject)]);
  return files.filter((_, at) => (pairs[at] ?? []).length > 0).map(({ path }) => path);
};

describe('pairsOf', () => {
  const padding = Array.from({ length: 60 }, (_, at) => changed(`drivers/driver${at}/core.c`, 'a;', 'b;'));

  test('all of the subsystem is looked at, though a part of the prefix fits one of its files better', () => {
    const files = [...padding, changed('fs/f2fs/compress.c', 'a;', 'b;'), changed('fs/f2fs/file.c', 'a;', 'b;')];
    expect(lookedAt(files, 'f2fs: compress: cover it with a lock')).toEqual(['fs/f2fs/compress.c', 'fs/f2fs/file.c']);
  });

  test('what has a rare word of the subject is looked at, wherever it is', () => {
    const files = [...padding, changed('kernel/odd.c', 'x = quirky_state;', 'x = 0;')];
    expect(lookedAt(files, 'strange: be less quirky')).toEqual(['kernel/odd.c']);
  });
});

describe('pairsInContext', () => {
  /** Hunks in files of their own, in which one new name is used; and as many subjects as beliefs. */
  const files = Array.from({ length: 6 }, (_, at) =>
    changed(`net/part${at}.c`, `old_${at}(x);`, `shiny_expired(x, ${at});`),
  );
  const hunks = allHunkWords(files);
  const subjects = ['net: one way', 'net: other way'].map(wordsOf);
  const links = linksOf(hunks, new SymbolIndex(files, hunks));
  const pairs = pairsOf(files, hunks, subjects);
  const alikeOf = (of: readonly number[]): number[] => {
    const beliefs = hunks.map((): Belief => ({ of: Float64Array.from(of), none: 1 - of.reduce((a, b) => a + b, 0) }));
    const [first = []] = pairsInContext({ files, hunks, links, subjects }, pairs, beliefs);
    const place = pairFeatures.length + contextFeatures.indexOf('alikeByName');
    return first.toSorted((a, b) => a.subject - b.subject).map(({ features }) => features[place] ?? 0);
  };

  test('what is a little likely in each of many linked hunks is likely in all of them, and what is not is not', () => {
    const [likely = 0, unlikely = 0] = alikeOf([0.2, 0.001]);
    expect(likely).toBeGreaterThan(1);
    expect(unlikely).toBeLessThan(-1);
  });
});
