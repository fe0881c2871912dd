import { createHash } from 'node:crypto';
import type { DelegatedRole } from '../metadata/roles.js';

/** Whether a delegated role may speak for a target at all, whatever it says (4.5). */
export function mayVouchFor(scope: DelegatedRole['scope'], path: string): boolean {
  if ('paths' in scope) return scope.paths.some((pattern) => matchesPath(pattern, path));
  const digest = createHash('sha256').update(path, 'utf8').digest('hex');
  return scope.hashPrefixes.some((prefix) => prefix !== '' && digest.startsWith(prefix));
}

/** `*` and `?` within one component of the path: neither matches a slash, so `debian-x86_64/*` is one level and no more. */
export function matchesPath(pattern: string, path: string): boolean {
  const [patterns, components] = [pattern.split('/'), path.split('/')];
  return (
    patterns.length === components.length && patterns.every((part, index) => matchesPart(part, components[index] ?? ''))
  );
}

/** One star to go back to is enough, so the time is at most the product of the lengths: no pattern makes it explode. */
function matchesPart(pattern: string, text: string): boolean {
  let [at, from] = [0, 0];
  let [star, starFrom] = [-1, 0];
  while (from < text.length) {
    if (pattern[at] === '*') [star, starFrom, at] = [at, from, at + 1];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from]))
      [at, from] = [at + 1, from + 1];
    else if (star >= 0) [at, starFrom, from] = [star + 1, starFrom + 1, starFrom + 1];
    else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
