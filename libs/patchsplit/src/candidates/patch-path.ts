import { unquoted } from '#libs/series';
import { CandidateError } from './candidate.js';

/** The two names of `diff --git a/x b/x`; none where they can't be told apart (then other headers name them). */
export function gitHeaderPaths(names: string): [string | undefined, string | undefined] {
  const quoted =
    /^("(?:[^"\\]|\\.)*"|\S.*?) ("(?:[^"\\]|\\.)*")$/s.exec(names) ?? /^("(?:[^"\\]|\\.)*") (.*)$/s.exec(names);
  if (quoted) return [withoutPrefix(unquoted(quoted[1] ?? '')), withoutPrefix(unquoted(quoted[2] ?? ''))];
  const half = (names.length - 1) / 2;
  if (Number.isInteger(half) && withoutPrefix(names.slice(0, half)) === withoutPrefix(names.slice(half + 1))) {
    const same = withoutPrefix(names.slice(0, half));
    return [same, same];
  }
  // A rename: its own headers follow.
  const [, from, to] = /^a\/(.*?) b\/(.*)$/s.exec(names) ?? [];
  return [from, to];
}

/** The name in a `---` or `+++` line, without its first folder and what follows a tab; undefined for /dev/null. */
export function strippedPath(name: string): string | undefined {
  const bare = unquoted(name.startsWith('"') ? name : (name.split('\t')[0] ?? '')).replace(/\r$/, '');
  return bare === '/dev/null' ? undefined : withoutPrefix(bare);
}

function withoutPrefix(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(slash + 1);
}

/** A path as trees have it. A patch to `../x` or `.git/config` is an attack, or no patch. @throws CandidateError `malformed` */
export function checkedPath(path: string): string {
  const parts = path.split('/');
  if (path.length > 4096 || path.includes('\0') || parts.some((part) => /^(?:\.{0,2}|\.git)$/i.test(part))) {
    throw new CandidateError('malformed', `no path in a tree: ${JSON.stringify(path.slice(0, 80))}`);
  }
  return path;
}
