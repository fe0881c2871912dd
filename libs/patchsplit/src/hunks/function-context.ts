import type { Edit } from './line-diff.js';

/**
 * Whether a line begins something that has a name, as git's default function context has it: a letter in the first column.
 * A label (`out:`) does not.
 */
function isHead(line: string): boolean {
  return (
    /^[A-Za-z_$#]/.test(line) && !/^\w+:\s*$/.test(line) && !/^#\s*(?:include|if|else|endif|undef|pragma)/.test(line)
  );
}

/** The name that a head gives: `static int foo_bar(struct x *y)` is foo_bar, `struct foo {` foo, `#define FOO(x)` FOO. */
function nameOf(head: string): string | undefined {
  const found =
    /^#\s*define\s+(\w+)/.exec(head) ??
    /^(?:typedef\s+)?(?:static\s+)?(?:const\s+)?(?:struct|union|enum)\s+(\w+)\s*\{?\s*$/.exec(head) ??
    /\b(?:SYSCALL_DEFINE\d|TRACE_EVENT|DEFINE_\w+)\(\s*(\w+)/.exec(head) ??
    /(\w+)\s*\(/.exec(head) ??
    /(\w+)(?:\[[^\]]*\])*\s*=/.exec(head);
  return found?.[1];
}

/** For each edit: the names of what it stands in, and of what begins within its old lines. Edits ascend. */
export function functionNames(before: readonly string[], edits: readonly Edit[]): string[][] {
  let line = 0;
  let head: string | undefined;
  return edits.map((edit) => {
    const names = new Set<string>();
    for (; line < edit.at; line++) head = headAt(before, line) ?? head;
    const enclosing = head;
    for (; line < edit.at + edit.removed; line++) {
      const own = headAt(before, line);
      if (own !== undefined) names.add(own);
      head = own ?? head;
    }
    if (enclosing !== undefined) names.add(enclosing);
    return [...names];
  });
}

function headAt(lines: readonly string[], index: number): string | undefined {
  const line = lines[index] ?? '';
  if (line.startsWith('}')) return undefined;
  return isHead(line) ? nameOf(line.slice(0, 512)) : undefined;
}
