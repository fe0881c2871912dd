import type { FilePatch } from '../candidates/candidate.js';

/** How many renames are followed from one name to another. */
const maxRenames = 4;

/**
 * Names that candidates have of files which the trees have under another name: what neither tree has, with the one path that is there and
 * that renames lead to. Upstream moved the file after the vendor's branch began, or the vendor never did.
 * @param all what any candidate does: that one which is not of the step moves a file tells as much.
 */
export function otherNames(all: readonly FilePatch[], isThere: (path: string) => boolean): ReadonlyMap<string, string> {
  const renames = new Map<string, Set<string>>();
  const link = (a: string, b: string): void => void renames.set(a, (renames.get(a) ?? new Set()).add(b));
  for (const { from, to, copied } of all) {
    if (from === undefined || to === undefined || from === to || copied) continue;
    link(from, to);
    link(to, from);
  }
  const names = new Map<string, string>();
  for (const path of renames.keys()) {
    if (isThere(path)) continue;
    const name = nearest(path, renames, isThere);
    if (name !== undefined) names.set(path, name);
  }
  return names;
}

/** The only name, fewest renames away, that is there. */
function nearest(
  path: string,
  renames: ReadonlyMap<string, ReadonlySet<string>>,
  isThere: (path: string) => boolean,
): string | undefined {
  const seen = new Set([path]);
  let last = [path];
  for (let count = 0; count < maxRenames && last.length > 0; count++) {
    last = [...new Set(last.flatMap((one) => [...(renames.get(one) ?? [])].filter((other) => !seen.has(other))))];
    for (const one of last) seen.add(one);
    const there = last.filter(isThere);
    if (there.length > 0) return there.length === 1 ? there[0] : undefined;
  }
  return undefined;
}
