import type { Reason } from '#libs/contracts';
import { parseDiff } from '#libs/series';
import { introducersOf, type SeriesDiffs } from './introducers.js';
import { type MissingName, missingNames } from './missing-names.js';

const said = (...lines: string[]): Reason[] => [{ code: 'compile-failed', reason: lines.join('\n'), object: 'a.o' }];

test.each<[string, Partial<MissingName>]>([
  [
    `net/a.c:3:5: error: 'FLAG_X' undeclared (first use in this function); did you mean 'FLAG_Y'?`,
    { kind: 'name', name: 'FLAG_X', path: 'net/a.c' },
  ],
  [
    `net/a.c:3:5: error: implicit declaration of function ‘get_it’ [-Werror=implicit-function-declaration]`,
    { kind: 'name', name: 'get_it' },
  ],
  [
    `./include/a.h:3:5: error: 'struct hwrng' has no member named 'work'; did you mean 'done'?`,
    { kind: 'member', name: 'work', path: 'include/a.h' },
  ],
  [`a.c:3:5: error: unknown type name 'class_lock_t'`, { kind: 'type', name: 'class_lock_t' }],
  [`a.c:9:9: error: too few arguments to function 'check'`, { kind: 'prototype', name: 'check' }],
  [`a.c:5:1: error: conflicting types for 'make'; have 'int (int)'`, { kind: 'prototype', name: 'make' }],
  [`a.c:5:1: fatal error: ../b/new.h: No such file or directory`, { kind: 'header', name: '../b/new.h' }],
])('reads %s', (line, expected) => {
  expect(missingNames(said(line))).toMatchObject([expected]);
});

test('other errors, and other refusals, name nothing', () => {
  expect(missingNames(said(`a.c:1:1: error: expected ';' before 'x'`))).toEqual([]);
  expect(missingNames([{ code: 'objtool-failed', reason: `a.c:1:1: error: 'x' undeclared` }])).toEqual([]);
});

const diff = (path: string, removed: readonly string[], added: readonly string[]): string =>
  [
    `diff --git a/${path} b/${path}`,
    `--- a/${path}`,
    `+++ b/${path}`,
    `@@ -5,${removed.length} +5,${added.length} @@ int around(void)`,
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    '',
  ].join('\n');

const commits: SeriesDiffs = [
  diff('net/a.c', [], ['\tif (get_it(x) == FLAG_X)', '\t\treturn found;', '\tgoto out;']),
  diff('net/a.h', [], ['#define FLAG_X 1', 'bool get_it(struct x *x);', '\tstruct list_head *head, work;']),
  diff('net/b.c', ['static void check(int a)'], ['static void check(int a, int b)']),
  diff('net/c.c', [], ['\tint found = 0;', 'out:', '\tcheck(a, b);']),
  diff('net/d.h', ['#define FLAG_X 1'], ['#define FLAG_X 2']),
  diff('net/e.c', ['\t\t\t  struct two *two)'], ['\t\t\t  struct two *two, bool three)']).replace(
    'int around(void)',
    'static void longer(struct one *one,',
  ),
  diff('net/f.h', [], ['DEFINE_LOCK_GUARD_1(held, struct x, lock(_T), unlock(_T))']),
  diff('net/g.c', [], ['\t\t     ret,', '\tcall(err, ret);', '\treturn ret;']),
  `diff --git a/net/new.h b/net/new.h\nnew file mode 100644\n--- /dev/null\n+++ b/net/new.h\n@@ -0,0 +1,2 @@\n+struct fresh {\n+};\n`,
].map((text, place) => [place, parseDiff(Buffer.from(text))]);

test.each<[MissingName, readonly number[]]>([
  [{ kind: 'name', name: 'FLAG_X', path: 'net/a.c' }, [1]],
  [{ kind: 'name', name: 'get_it', path: 'net/a.c' }, [1]],
  [{ kind: 'member', name: 'work', path: 'net/a.c' }, [1]],
  [{ kind: 'prototype', name: 'check', path: 'net/a.c' }, [2]],
  [{ kind: 'name', name: 'found', path: 'net/a.c' }, []],
  [{ kind: 'name', name: 'found', path: 'net/c.c' }, [3]],
  [{ kind: 'name', name: 'out', path: 'net/c.c' }, [3]],
  [{ kind: 'header', name: 'new.h', path: 'net/a.c' }, [8]],
  [{ kind: 'type', name: 'fresh', path: 'net/a.c' }, [8]],
  [{ kind: 'prototype', name: 'longer', path: 'net/a.c' }, [5]],
  [{ kind: 'type', name: 'class_held_t', path: 'net/a.c' }, [6]],
  [{ kind: 'name', name: 'class_held_constructor', path: 'net/a.c' }, [6]],
  [{ kind: 'name', name: 'ret', path: 'net/g.c' }, []],
  [{ kind: 'name', name: 'err', path: 'net/a.c' }, []],
])('finds what brings %j', (missing, places) => {
  expect(introducersOf(missing, commits)).toEqual(places);
});
