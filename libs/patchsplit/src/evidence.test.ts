import fc from 'fast-check';
import type { Claim } from './evidence/claim.js';
import { closeOver } from './evidence/closure.js';
import { groupsOf } from './evidence/groups.js';
import { allHunkWords } from './evidence/hunk-words.js';
import { inPrecedence, precedenceOf } from './evidence/precedence.js';
import { SymbolIndex } from './evidence/symbol-index.js';
import { symbolsOf } from './evidence/symbols.js';
import { deltaOf, type FileDelta, type Hunk } from './hunks/delta.js';

const lines = (text: string): string[] => text.match(/[^\n]*\n/g) ?? [];
const changed = (path: string, before: string, after: string): FileDelta =>
  deltaOf(path, { mode: '100644', lines: lines(before) }, { mode: '100644', lines: lines(after) });
const hunk = (removed: string, added: string, near = ''): Hunk => ({
  at: 0,
  removed: lines(removed),
  added: lines(added),
  functions: [],
  near: lines(near),
});

const body = (name: string, line: string): string => `int ${name}(void)\n{\n\t${line}\n}\n`;
const indexOf = (...files: FileDelta[]): SymbolIndex => new SymbolIndex(files, allHunkWords(files));
const claim = (subject: number): Claim => ({ subject, belief: 0.9, by: 'names' });

describe('symbolsOf', () => {
  test.each([
    ['a function', 'static int foo_bar(struct x *y)\n', 'foo_bar'],
    ['a prototype', 'int foo_bar(void);\n', 'foo_bar'],
    ['a macro', '#define FOO_BAR 1\n', 'FOO_BAR'],
    ['a structure', 'struct foo_bar {\n', 'foo_bar'],
    ['a member', '\tunsigned int foo_bar;\n', 'foo_bar'],
    ['a callback', '\tvoid (*foo_bar)(struct x *y);\n', 'foo_bar'],
    ['a constant', '\tFOO_BAR,\n', 'FOO_BAR'],
    ['a variable of the file', 'static DEFINE_T foo_bar = 1;\n', 'foo_bar'],
  ])('%s is brought by the hunk that adds it, and dropped by one that removes it', (_, text, name) => {
    expect([...symbolsOf(hunk('', text)).brings.keys()]).toEqual([name]);
    expect([...symbolsOf(hunk(text, '')).drops.keys()]).toEqual([name]);
  });

  test.each(['\treturn foo;\n', '\tgoto out;\n', 'else if (x)\n', '\tfoo_bar(1);\n', '\tx = foo_bar;\n'])(
    '%j declares nothing',
    (text) => {
      expect(symbolsOf(hunk('', text)).brings.size).toBe(0);
    },
  );

  test('a variable among statements holds in its function only', () => {
    expect(symbolsOf(hunk('', '\tint foo_bar;\n', '\tx = y;\n')).brings.get('foo_bar')).toBe('function');
  });

  test('another parameter is another declaration, and its callers call otherwise', () => {
    const declared = symbolsOf(hunk('int foo(int a)\n', 'int foo(int a, int b)\n'));
    expect([...declared.redeclares]).toEqual(['foo']);
    expect([...symbolsOf(hunk('\tx = foo(1);\n', '\tx = foo(1, 2);\n')).recalls]).toEqual(['foo']);
  });

  test('what stands in comments and strings is used by nobody', () => {
    expect(symbolsOf(hunk('', '\tpr_info("foo_bar"); /* foo_baz */\n')).uses).toEqual(new Set(['pr_info']));
  });

  test('takes any lines', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (removed, added) => {
        const { brings, drops, uses, ceases } = symbolsOf(hunk(removed, added));
        for (const name of brings.keys()) expect(drops.has(name)).toBe(false);
        for (const name of uses) expect(ceases.has(name)).toBe(false);
      }),
    );
  });
});

describe('closeOver', () => {
  const user = changed('drivers/a.c', body('probe', 'old();'), body('probe', 'shiny_helper();'));
  const header = changed('drivers/a.h', 'int x;\n', 'int x;\nint shiny_helper(void);\n');
  const other = changed('drivers/b.c', body('stop', 'old();'), body('stop', 'shiny_helper();'));

  test('what declares a name goes to the one commit that uses it, if it is likely its own', () => {
    const index = indexOf(user, header);
    const favourite = { subject: 3, belief: 0.5, by: 'path' as const };
    const closed = closeOver(index, [claim(3), undefined], [undefined, favourite]);
    expect(closed[1]).toEqual({ subject: 3, belief: 0.6, by: 'needed' });
  });

  test.each([
    ['nothing else speaks for it', { subject: 3, belief: 0.1, by: 'path' as const }],
    ['it is likelier another’s', { subject: 4, belief: 0.5, by: 'path' as const }],
  ])('not if %s', (_, favourite) => {
    const closed = closeOver(indexOf(user, header), [claim(3), undefined], [undefined, favourite]);
    expect(closed[1]).toBeUndefined();
  });

  test('nor to one of two that need it', () => {
    const favourite = { subject: 3, belief: 0.5, by: 'path' as const };
    const closed = closeOver(
      indexOf(user, header, other),
      [claim(3), undefined, claim(4)],
      [undefined, favourite, undefined],
    );
    expect(closed[1]).toBeUndefined();
  });

  test('a claim is never taken from its commit', () => {
    const claims = [claim(3), claim(5)];
    expect(
      closeOver(indexOf(user, header), claims, [undefined, { subject: 3, belief: 0.6, by: 'path' as const }]),
    ).toEqual(claims);
  });

  test('hunks that one name joins are one group, and have its name', () => {
    const groups = groupsOf(indexOf(user, header, other), () => true);
    expect([...groups.values()]).toEqual(['shiny_helper', 'shiny_helper', 'shiny_helper']);
    expect(groupsOf(indexOf(user, header, other), (place) => place === 1).size).toBe(0);
  });

  test('who declares a name comes before who uses it, and who ceases to use one before who drops it', () => {
    expect(precedenceOf(indexOf(user, header), [claim(0), claim(1)])).toEqual(new Map([[0, new Set([1])]]));
    const ceaser = changed('drivers/a.c', body('probe', 'dull_helper();'), body('probe', 'fine();'));
    const dropper = changed('drivers/a.h', 'int x;\nint dull_helper(void);\n', 'int x;\n');
    expect(precedenceOf(indexOf(ceaser, dropper), [claim(0), claim(1)])).toEqual(new Map([[1, new Set([0])]]));
  });
});

describe('inPrecedence', () => {
  test('changes the given order only where it must', () => {
    const before = new Map([[1, new Set([4])]]);
    expect(inPrecedence([0, 1, 2, 3, 4, 5], before)).toEqual([0, 4, 1, 2, 3, 5]);
    expect(inPrecedence([0, 1, 2], new Map())).toEqual([0, 1, 2]);
  });

  test('keeps everyone, once, in circles too; without circles each after those before it', () => {
    const pairs = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 20 });
    fc.assert(
      fc.property(pairs, fc.boolean(), (edges, acyclic) => {
        const before = new Map<number, Set<number>>();
        for (const [a, b] of edges) {
          // Without circles: what comes before is smaller.
          const [first, then] = acyclic ? [Math.min(a, b), Math.max(a, b)] : [a, b];
          if (first !== then) before.set(then, (before.get(then) ?? new Set()).add(first));
        }
        const given = [7, 3, 9, 1, 0, 2, 8, 4, 6, 5];
        const ordered = inPrecedence(given, before);
        expect(new Set(ordered)).toEqual(new Set(given));
        expect(ordered).toHaveLength(given.length);
        if (!acyclic) return;
        for (const [then, firsts] of before) {
          for (const first of firsts) expect(ordered.indexOf(first)).toBeLessThan(ordered.indexOf(then));
        }
      }),
    );
  });
});
