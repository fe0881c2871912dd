import type { FileDiff, Hunk } from '#libs/series';
import type { MissingName } from './missing-names.js';

/** What each commit changes, by its place in the series. */
export type SeriesDiffs = readonly (readonly [number, readonly FileDiff[]])[];

/**
 * The commits in which a name comes to be, or a function gets other parameters, in the order of the series. Only lines that
 * look like a declaration count: code that merely uses a name doesn't bring it.
 */
export function introducersOf(missing: MissingName, diffs: SeriesDiffs): readonly number[] {
  const brings = missing.kind === 'header' ? addsHeader(missing) : declaresIn(missing);
  return diffs.filter(([, files]) => files.some((file) => brings(file))).map(([commit]) => commit);
}

function addsHeader({ name }: MissingName): (file: FileDiff) => boolean {
  const end = name.replace(/^(?:\.\.?\/)+/, '');
  return ({ path, kind }) => kind === 'added' && (path === end || path.endsWith(`/${end}`));
}

function declaresIn({ name, kind, path: asking }: MissingName): (file: FileDiff) => boolean {
  const anywhere = matcher(declarations[kind](name));
  const inside = matcher(kind === 'name' ? locals(name) : []);
  return ({ path, hunks }) => {
    if (!/\.[chS]$/.test(path)) return false;
    if (kind === 'prototype' && hunks.some((hunk) => continuesPrototype(hunk, anywhere))) return true;
    // A variable or label of a function is of use in its own file only.
    const declares = (line: string): boolean => anywhere(line) || (path === asking && inside(line));
    if (!hunks.some(({ added }) => added.some(declares))) return false;
    // A prototype that changes goes and comes; a name that comes to be wasn't there before.
    return kind === 'prototype' || !hunks.some(({ removed }) => removed.some(declares));
  };
}

/** Changes a later line of a declaration: `static void check(struct a *a,` stays, `struct b *b)` comes. */
function continuesPrototype({ inside, removed, added }: Hunk, declares: (line: string) => boolean): boolean {
  const [first = ''] = added;
  return (
    removed.length > 0 && declares(inside) && !inside.includes(')') && /^\s+[\w\s*,]+\)?\s*[;{]?$/.test(first.trimEnd())
  );
}

function matcher(patterns: readonly RegExp[]): (line: string) => boolean {
  return (line) => patterns.some((pattern) => pattern.test(line.trimEnd()));
}

const macro = (name: string): RegExp => new RegExp(`^\\s*#\\s*define\\s+${name}\\b`);
/** Unindented: a definition or declaration, and no call. */
const callable = (name: string): RegExp => new RegExp(`^(?:[A-Za-z_][\\w\\s*]*[\\s*])?${name}\\s*\\(`);
/** `static u32 name[4] = {`, `extern struct a name;` */
const global = (name: string): RegExp => new RegExp(`^(?!return\\b)[A-Za-z_][\\w\\s*]*[\\s*]${name}\\b\\s*[=;[]`);
/** `DEFINE_MUTEX(name);`; a `guard(name)` asks for `class_name_t`, which comes from `DEFINE_LOCK_GUARD_1(name, …`. */
const made = (name: string): RegExp => {
  const bare = /^class_(\w+?)(?:_t|_constructor|_destructor|_lock_ptr)?$/.exec(name)?.[1] ?? name;
  return new RegExp(`^(?:static\\s+)?(?:DEFINE|DECLARE)_\\w+\\((?:[^,()]*,\\s*)?${bare}\\b`);
};
/** In upper case, as all are: in lower case it would rather be an argument on a line of its own. */
const enumerator = (name: string): RegExp =>
  /^[A-Z][A-Z0-9_a-z]*$/.test(name) ? new RegExp(`^\\s+${name}\\s*(?:=[^=;]*)?,?\\s*(?:/\\*.*)?$`) : /(?!)/;
/** `struct list_head name;`, `u8 a, name[4];`, `unsigned int name:1;` — indented, and no statement. */
const member = (name: string): RegExp =>
  new RegExp(
    `^\\s+(?!return\\b|goto\\b|else\\b|case\\b|delete\\b)[A-Za-z_]\\w*[\\s*][\\w\\s*,]*\\b${name}\\b\\s*[;,:[]`,
  );
const pointer = (name: string): RegExp => new RegExp(`\\(\\*\\s*${name}\\)\\s*\\(`);
const typed = (name: string): readonly RegExp[] => [
  new RegExp(`\\b(?:struct|union|enum)\\s+${name}\\s*(?:\\{|;|$)`),
  new RegExp(`\\btypedef\\b.*\\b${name}\\s*(?:;|\\))`),
  new RegExp(`^\\}\\s*${name}\\s*;`),
];

/** `name` is made of word characters, as all of these are. */
const declarations: Readonly<Record<MissingName['kind'], (name: string) => readonly RegExp[]>> = {
  name: (name) => [macro(name), callable(name), global(name), made(name), enumerator(name)],
  member: (name) => [member(name), pointer(name), macro(name)],
  type: (name) => [...typed(name), made(name), macro(name)],
  prototype: (name) => [macro(name), callable(name)],
  header: () => [],
};

function locals(name: string): readonly RegExp[] {
  const variable = new RegExp(
    `^\\s+(?!return\\b|goto\\b|else\\b)[A-Za-z_]\\w*[\\s*][\\w\\s*,]*\\b${name}\\b\\s*[=;,[]`,
  );
  return [variable, new RegExp(`^\\s*${name}:\\s*$`)];
}
