import { onlyCommentsDiffer } from './mentions.js';

const only = (a: string, b: string): boolean => onlyCommentsDiffer(Buffer.from(a), Buffer.from(b));

test.each([
  ['a comment', 'int a; /* old */\n', 'int a; // new and\n\n/* longer,\n * on lines */\n'],
  ['indentation', '#define A(x) \\\n\tf(x)\nint b;\n', '#define A(x)   \\\n    f(x)\n\n\n\tint b;  \n'],
])('nothing but %s', (_what, a, b) => expect(only(a, b)).toBe(true));

test.each([
  ['white space in a string', 'char *s = "a  b";\n', 'char *s = "a b";\n'],
  ['what looks like a comment in a string', 'char *s = "/* a */";\n', 'char *s = "/* b */";\n'],
  ['a line that a directive ends on', '#define A b\nint c;\n', '#define A b int c;\n'],
  ['code that becomes a comment', 'int a; int b;\n', 'int a; /* int b; */\n'],
  ['a comment that no longer parts two words', 'int/**/a;\n', 'inta;\n'],
])('%s is more than that', (_what, a, b) => expect(only(a, b)).toBe(false));
