import { editLikeness, wordEditKey, wordEditOf } from './word-edit.js';

const edit = (removed: string, added: string) => wordEditOf([removed], [added]) ?? { gone: new Map(), come: new Map() };

test('an edit is the same on other lines', () => {
  const upstream = edit(
    'log_debug_errno(fd, "No copy of %s", new_root);\n',
    'log_debug_errno(r, "No copy of %s", new_root);\n',
  );
  const vendors = edit(
    '  log_error(fd, "No copy of %s", runtime->copy);\n',
    '  log_error(r, "No copy of %s", runtime->copy);\n',
  );
  expect(wordEditKey(upstream)).toBe(wordEditKey(vendors));
  expect(editLikeness(upstream, vendors)).toBe(1);
});

test('edits that have one number in common are not alike', () => {
  const upstream = edit('version: 13-2\n', 'version: 13-3\n');
  const vendors = edit('image: 14-1\n', 'image: 15-3\n');
  expect(wordEditKey(upstream)).not.toBe(wordEditKey(vendors));
  expect(editLikeness(upstream, vendors)).toBeLessThan(0.5);
});

test('which words go and which come is told apart', () => {
  expect(wordEditKey(edit('a b\n', 'a c\n'))).not.toBe(wordEditKey(edit('a c\n', 'a b\n')));
  expect(editLikeness(edit('a b\n', 'a c\n'), edit('a c\n', 'a b\n'))).toBe(0);
});

test.each([
  ['adds alone', [], ['int alpha;\n']],
  ['takes away alone', ['int alpha;\n'], []],
  ['changes blanks', ['int alpha;\n'], ['  int alpha;\n']],
  ['changes many lines', Array.from({ length: 4 }, (_, at) => `int a${at};\n`), ['int b;\n', 'int c;\n', 'int d;\n']],
])('what %s edits no words', (_, removed, added) => {
  expect(wordEditOf(removed, added)).toBeUndefined();
});
