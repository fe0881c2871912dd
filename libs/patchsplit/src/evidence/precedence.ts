import type { Claim } from './claim.js';
import type { SymbolIndex } from './symbol-index.js';

/**
 * For each subject those that come before it, whatever the changelog's order: the one that brings a name which it uses, and those that
 * cease to use a name which it drops.
 */
export function precedenceOf(
  symbols: SymbolIndex,
  claims: readonly (Claim | undefined)[],
): ReadonlyMap<number, ReadonlySet<number>> {
  const before = new Map<number, Set<number>>();
  const put = (first: number, then: number): void => {
    const known = before.get(then);
    if (known) known.add(first);
    else before.set(then, new Set([first]));
  };
  const subjectsOf = (hunks: readonly number[]): Set<number> =>
    new Set(hunks.flatMap((hunk) => claims[hunk]?.subject ?? []));
  for (const { makers, takers } of symbols.brought()) {
    const bringers = subjectsOf(makers);
    if (bringers.size === 0) continue;
    for (const user of subjectsOf(takers)) if (!bringers.has(user)) put(Math.min(...bringers), user);
  }
  for (const { makers, takers } of symbols.dropped()) {
    const droppers = subjectsOf(makers);
    for (const ceaser of subjectsOf(takers)) {
      if (!droppers.has(ceaser)) for (const dropper of droppers) put(ceaser, dropper);
    }
  }
  return before;
}

/** The subjects in order, each after those that come before it; what goes round in a circle stays in the given order. */
export function inPrecedence(
  subjects: readonly number[],
  before: ReadonlyMap<number, ReadonlySet<number>>,
): readonly number[] {
  const asked = new Set(subjects);
  const begun = new Set<number>();
  const ordered: number[] = [];
  for (const subject of subjects) {
    // Depth first, without recursion: a changelog may have thousands of entries.
    const stack = [{ subject, next: begun.has(subject) ? undefined : firstOf(before, subject) }];
    begun.add(subject);
    if (stack[0]?.next === undefined) continue;
    while (stack.length > 0) {
      const top = stack.at(-1);
      if (!top?.next) break;
      const dependency = top.next.shift();
      if (dependency === undefined) {
        ordered.push(top.subject);
        stack.pop();
      } else if (asked.has(dependency) && !begun.has(dependency)) {
        begun.add(dependency);
        stack.push({ subject: dependency, next: firstOf(before, dependency) });
      }
    }
  }
  return ordered;
}

function firstOf(before: ReadonlyMap<number, ReadonlySet<number>>, subject: number): number[] {
  return [...(before.get(subject) ?? [])].sort((a, b) => a - b);
}
