import { codeMayDiffer } from './code-change.js';
import { mentionOf, namesReached, plainText } from './mentions.js';

const inline = (body: string): string => `static inline int helper(int a)\n{\n\treturn ${body};\n}\n`;
const struct = (members: string): string => `struct s { ${members} };\n`;
const user = 'int f(int a) { return a + 1; }\n';

describe('codeMayDiffer', () => {
  test.each([
    ['the same', user, user, false],
    ['an inline function that nobody names', inline('a') + user, inline('a + 2') + user, false],
    [
      'one that code names',
      `${inline('a')}int g(void) { return helper(1); }`,
      `${inline('2')}int g(void) { return helper(1); }`,
      true,
    ],
    [
      'one that code names through another',
      `${inline('a')}static inline int other(void) { return helper(1); }\nint g(void) { return other(); }`,
      `${inline('2')}static inline int other(void) { return helper(1); }\nint g(void) { return other(); }`,
      true,
    ],
    ['one that a table names', `${inline('a')}int (*t)(int) = helper;`, `${inline('2')}int (*t)(int) = helper;`, true],
    ['a new prototype', user, `extern int other(struct s *);\n${user}`, false],
    ['a new variable’s declaration', user, `extern int other;\n${user}`, false],
    ['a type that nobody names', struct('int a;') + user, struct('long a;') + user, false],
    [
      'a type that is used',
      `${struct('int a;')}int g(struct s *s) { return s->a; }`,
      `${struct('long a;')}int g(struct s *s) { return s->a; }`,
      true,
    ],
    [
      'a type that is used through a function that gives it',
      `${struct('int a;')}struct s *get(void);\nint g(void) { return get()->a; }`,
      `${struct('long a;')}struct s *get(void);\nint g(void) { return get()->a; }`,
      true,
    ],
    [
      'a constant that is used',
      'enum { A, B };\nint g(void) { return B; }',
      'enum { A, C, B };\nint g(void) { return B; }',
      true,
    ],
    ['white space within a string', 'int g(void) { return p("a b"); }', 'int g(void) { return p("a  b"); }', true],
    ['white space elsewhere', 'int g(void) { return 1; }', 'int g(void)\n{\n\treturn 1;\n}', false],
    [
      'another packing',
      `${struct('int a;')}int g(struct s *);`,
      `#pragma pack(1)\n${struct('int a;')}int g(struct s *);`,
      true,
    ],
    ['assembly', user, `asm(".byte 1");\n${user}`, true],
    [
      'a static function that is kept',
      user,
      `static inline __attribute__((used)) int k(void) { return 1; }\n${user}`,
      true,
    ],
    ['data', 'int x = 1;', 'int x = 2;', true],
  ])('%s', (_what, before, after, differs) => {
    expect(codeMayDiffer(before, after)).toBe(differs);
  });
});

const reached = (before: string, after: string, ...others: string[]): unknown => {
  const names = namesReached([{ before: plainText(before), after: plainText(after) }], others);
  return names === 'unknown' ? names : [...names].sort();
};

describe('namesReached', () => {
  test('are those of what differs, and of macros and functions that mention them', () => {
    expect(
      reached(
        '#define A 1\n',
        '#define A 2\n',
        '#define B(x) (A + (x))\n',
        'static inline int c(void) { return B(1); }',
      ),
    ).toEqual(['A', 'B', 'c']);
    expect(reached(inline('a'), inline('2'))).toEqual(['helper']);
  });

  test('are none for comments and white space', () => {
    expect(reached(`/* one */\n${inline('a')}`, `/* two\n * lines */\n\n${inline('a')}`)).toEqual([]);
  });

  test('are unknown where conditions change, where code stands in a header, and where nothing ends', () => {
    expect(reached('#ifdef X\n#endif\n', '#ifdef Y\n#endif\n')).toBe('unknown');
    expect(reached('int x = 1;', 'int x = 2;')).toBe('unknown');
    expect(reached('static inline int f(void) { return 1; ', 'static inline int f(void) { return 2; ')).toBe('unknown');
  });

  test('a macro that pastes a name together mentions it', () => {
    expect(mentionOf(['skb_put'])('#define P(x) x##_put\n')).toBe(true);
    expect(mentionOf(['skb_put'])('#define P(x) x##_get\n')).toBe(false);
    expect(mentionOf(['skb_put'])('#define P(x, y) x ## b_put(y)\n')).toBe(true);
    expect(mentionOf(['skb_put_all'])('#define P(put) skb_##put##_all\n')).toBe(true);
    expect(mentionOf(['skb_put'])('#define P(x) put_##x##_all\n')).toBe(false);
    expect(mentionOf(['skb_put'])('#define P(x...) f(skb, ##x) put_##x\n')).toBe(false);
  });
});
