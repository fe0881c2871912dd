/** So much of both must be the same for one file to be the other. */
const leastAlike = 0.5;
/** A line in more files than that doesn't say in which. */
const maxHolders = 100;

/** Telling lines of files, by path. */
export type FileKeys = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Pairs files that are gone with files that came, by the lines that they have in common, the likest first and none twice: what git calls a
 * rename. Of pairs that are alike as much the nearer paths win.
 */
export function pairAlike(gone: FileKeys, came: FileKeys): Map<string, string> {
  const holders = new Map<string, string[]>();
  for (const [path, keys] of gone.size === 0 ? [] : came) {
    for (const key of keys) {
      const known = holders.get(key);
      if (known) known.push(path);
      else holders.set(key, [path]);
    }
  }
  const pairs = [...gone].flatMap(([from, keys]) => {
    const common = new Map<string, number>();
    for (const key of keys) {
      const known = holders.get(key) ?? [];
      if (known.length <= maxHolders) for (const to of known) common.set(to, (common.get(to) ?? 0) + 1);
    }
    return [...common].flatMap(([to, count]) => {
      const alike = count / Math.max(keys.size, came.get(to)?.size ?? 0);
      return alike < leastAlike ? [] : [{ from, to, alike, near: nearness(from, to) }];
    });
  });
  pairs.sort((a, b) => b.alike - a.alike || b.near - a.near || (`${a.from}\0${a.to}` < `${b.from}\0${b.to}` ? -1 : 1));
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const { from, to } of pairs) {
    if (names.has(from) || used.has(to)) continue;
    names.set(from, to);
    used.add(to);
  }
  return names;
}

/** Folders from the root that both are in, and one more for the same name. */
function nearness(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  let near = 0;
  while (near < left.length - 1 && left[near] === right[near]) near += 1;
  return near + (left.at(-1) === right.at(-1) ? 1 : 0);
}
