import { declarationsIn, reachOf } from './declarations.js';

const maxNames = 4000;

/**
 * Says whether an object's code can differ between two preprocessed texts. What differs matters only if something that makes
 * code names it, directly or through types, prototypes and inline functions. What isn't understood matters.
 */
export function codeMayDiffer(before: string, after: string): boolean {
  if (before === after) return false;
  const olds = declarationsIn(before);
  const news = declarationsIn(after);
  const different = [...missingFrom(olds, news), ...missingFrom(news, olds)];
  if (different.length === 0) return false;
  const names = new Set<string>();
  const fresh = new Set<string>();
  if (!spread(different, names, fresh)) return true;
  const all = [...new Set([...olds, ...news])];
  while (fresh.size > 0) {
    if (names.size > maxNames) return true;
    const mention = new RegExp(String.raw`\b(?:${[...fresh].join('|')})\b`);
    fresh.clear();
    if (
      !spread(
        all.filter((one) => mention.test(one)),
        names,
        fresh,
      )
    )
      return true;
  }
  return false;
}

/** Adds what the declarations reach; false if they reach code. */
function spread(declarations: readonly string[], names: Set<string>, fresh: Set<string>): boolean {
  for (const declaration of declarations) {
    const reached = reachOf(declaration);
    if (reached === 'code') return false;
    for (const name of reached) {
      if (names.has(name)) continue;
      names.add(name);
      fresh.add(name);
    }
  }
  return true;
}

/** Declarations of which there are fewer, or none, in the others. */
function missingFrom(some: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const one of others) counts.set(one, (counts.get(one) ?? 0) + 1);
  return some.filter((one) => {
    const left = counts.get(one) ?? 0;
    counts.set(one, left - 1);
    return left <= 0;
  });
}
