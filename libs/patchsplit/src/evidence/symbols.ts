import type { Hunk } from '../hunks/delta.js';

/** Where a name means what a hunk makes it mean. */
export type Scope =
  | /** Everywhere. */ 'all'
    /** In the function that it is declared in: variables, labels. */
  | 'function';

/** Names that a hunk brings, drops, changes the declaration of, begins or ceases to use. */
export interface HunkSymbols {
  readonly brings: ReadonlyMap<string, Scope>;
  readonly drops: ReadonlyMap<string, Scope>;
  /** Declared before and after, in other words: a function with another parameter. */
  readonly redeclares: ReadonlySet<string>;
  /** In added lines, and in no removed ones. */
  readonly uses: ReadonlySet<string>;
  /** In removed lines, and in no added ones. */
  readonly ceases: ReadonlySet<string>;
  /** In removed and in added lines, called. */
  readonly recalls: ReadonlySet<string>;
}

const keywords: ReadonlySet<string> = new Set(
  'if for while switch return sizeof do else case default goto break continue typeof defined void int char long short unsigned signed bool struct union enum const static extern inline volatile register float double NULL true false'.split(
    ' ',
  ),
);

const maxLines = 4000;

/** What C declares in a line, with where that holds; line by line, so a guess. */
function declaredIn(line: string): [name: string, scope: Scope] | undefined {
  const text = line.slice(0, 400);
  const define = /^\s*#\s*define\s+(\w+)/.exec(text)?.[1];
  if (define !== undefined) return [define, 'all'];
  if (/^[A-Za-z_]/.test(text)) {
    const label = /^(\w+):\s*$/.exec(text)?.[1];
    if (label !== undefined) return [label, 'function'];
    const kind = /^(?:typedef\s+)?(?:struct|union|enum)\s+(\w+)\s*[{;]/.exec(text)?.[1];
    if (kind !== undefined) return [kind, 'all'];
    const callable = /^(?:[A-Za-z_][\w*]*[\s*]+)+\**(\w+)\s*\(/.exec(text)?.[1];
    if (callable !== undefined && !keywords.has(callable) && !/^(?:return|else|goto|case)\b/.test(text))
      return [callable, 'all'];
    const object =
      /^(?:static|extern|const|struct|unsigned|enum|u?int|bool|u\d+|atomic)\b[\w\s*]*?(\w+)(?:\[[^\]]*\])*\s*(?:=|;)/.exec(
        text,
      )?.[1];
    return object === undefined || keywords.has(object) ? undefined : [object, 'all'];
  }
  const pointer = /^\s+[\w\s*]+\(\*(\w+)\)\s*\(.*/.exec(text)?.[1];
  if (pointer !== undefined) return [pointer, 'all'];
  const constant = /^\s+([A-Z][A-Z0-9_]{2,})\s*(?:=[^;]*)?,\s*(?:\/\*.*)?$/.exec(text)?.[1];
  if (constant !== undefined) return [constant, 'all'];
  const variable =
    /^\s+(?:(?:const|unsigned|signed|static|volatile|struct|union|enum|long|__\w+)\s+)*(\w+)[\s*]+(\w+)(?:\[[^\]]*\])*(?:\s*:\s*\d+)?\s*(?:=[^=].*)?(?:;|,.*;)\s*(?:\/\*.*)?$/.exec(
      text,
    );
  if (!variable) return undefined;
  const [, type = '', name = ''] = variable;
  if (/^(?:return|goto|else|case|break|continue|delete)$/.test(type) || keywords.has(name)) return undefined;
  // A member if a struct is around it; as its use has an arrow or a dot before it, the same name tells both apart.
  return [name, 'function'];
}

function declarationsIn(lines: readonly string[]): Map<string, { scope: Scope; line: string }> {
  const found = new Map<string, { scope: Scope; line: string }>();
  for (const line of lines.slice(0, maxLines)) {
    const declared = declaredIn(line);
    if (declared && !found.has(declared[0])) found.set(declared[0], { scope: declared[1], line });
  }
  return found;
}

function namesIn(lines: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const line of lines.slice(0, maxLines)) {
    const code = line
      .slice(0, 1000)
      .replace(/"(?:[^"\\]|\\.)*"/g, ' ')
      .replace(/\/\*.*?(?:\*\/|$)|\/\/.*$/g, ' ');
    if (/^\s*\*(?:\s|$|\/)/.test(code)) continue;
    for (const [name] of code.matchAll(/[A-Za-z_]\w+/g)) if (!keywords.has(name)) names.add(name);
  }
  return names;
}

function callsIn(lines: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const line of lines.slice(0, maxLines)) {
    for (const [, name = ''] of line.slice(0, 1000).matchAll(/([A-Za-z_]\w+)\s*\(/g))
      if (!keywords.has(name)) names.add(name);
  }
  return names;
}

/** Whether it stands in a struct, as far as its lines tell: declarations only. */
function isBody(hunk: Hunk): boolean {
  const around = [...hunk.near, ...hunk.added, ...hunk.removed];
  return around.some(
    (line) => /^\s+.*(?:[^=!<>]=[^=]|\breturn\b|\bif\s*\(|\bgoto\b|->|\+\+)/.test(line) || /^\s+\w+\(.*\);/.test(line),
  );
}

export function symbolsOf(hunk: Hunk): HunkSymbols {
  const after = declarationsIn(hunk.added);
  const before = declarationsIn(hunk.removed);
  const body = isBody(hunk);
  const brings = new Map<string, Scope>();
  const drops = new Map<string, Scope>();
  const redeclares = new Set<string>();
  for (const [name, { scope, line }] of after) {
    const old = before.get(name);
    if (!old) brings.set(name, body ? scope : 'all');
    else if (old.line !== line) redeclares.add(name);
  }
  for (const [name, { scope }] of before) if (!after.has(name)) drops.set(name, body ? scope : 'all');
  const added = namesIn(hunk.added);
  const removed = namesIn(hunk.removed);
  const near = namesIn(hunk.near);
  const recalls = new Set<string>();
  const calledBefore = callsIn(hunk.removed);
  for (const name of callsIn(hunk.added)) if (calledBefore.has(name) && !redeclares.has(name)) recalls.add(name);
  return {
    brings,
    drops,
    redeclares,
    uses: new Set([...added].filter((name) => !removed.has(name) && !after.has(name))),
    ceases: new Set([...removed].filter((name) => !added.has(name) && !before.has(name) && !near.has(name))),
    recalls,
  };
}

/** Of what is no code. */
export const noSymbols: HunkSymbols = {
  brings: new Map(),
  drops: new Map(),
  redeclares: new Set(),
  uses: new Set(),
  ceases: new Set(),
  recalls: new Set(),
};
