import type { Footing } from '#libs/series';

/** The commits of a build: those that were asked for, and all that they rest on. */
export interface Closure {
  /** Places in the series, ascending. */
  readonly commits: readonly number[];
  /** Why each that wasn't asked for is among them. */
  readonly why: ReadonlyMap<number, string>;
  /** Files in which the lines around a change aren't those that it was written among. */
  readonly merged: ReadonlyMap<string, readonly number[]>;
  /** Files in which others change the same functions. */
  readonly shared: ReadonlyMap<string, readonly number[]>;
}

/** What a commit's changes to a file rest on; asked for only those files that it changes. */
export type FootingOf = (commit: number, path: string) => Promise<Footing>;

/**
 * Adds to the wanted commits all that their lines rest on, and what those rest on in turn. Commits that only changed something
 * nearby stay away, but are told of.
 * @param wanted with why, where it isn't the fix itself
 */
export async function closureOf(
  wanted: ReadonlyMap<number, string | undefined>,
  pathsOf: (commit: number) => readonly string[],
  footingOf: FootingOf,
): Promise<Closure> {
  const why = new Map<number, string>();
  for (const [commit, reason] of wanted) if (reason !== undefined) why.set(commit, reason);
  const found = new Set(wanted.keys());
  const near = new Map<string, Set<number>>();
  const sharing = new Map<string, Set<number>>();
  for (const commit of found) {
    for (const path of pathsOf(commit)) {
      const footing = await footingOf(commit, path);
      for (const other of footing.needed) {
        if (!found.has(other)) why.set(other, `changed the lines of ${path} that a later commit changes`);
        found.add(other);
      }
      for (const other of footing.near) near.set(path, (near.get(path) ?? new Set()).add(other));
      for (const other of footing.sharing) sharing.set(path, (sharing.get(path) ?? new Set()).add(other));
    }
  }
  const absent = (others: ReadonlyMap<string, ReadonlySet<number>>): ReadonlyMap<string, readonly number[]> =>
    new Map(
      [...others]
        .map(([path, all]) => [path, [...all].filter((other) => !found.has(other))] as const)
        .filter(([, left]) => left.length > 0),
    );
  return { commits: [...found].sort((a, b) => a - b), why, merged: absent(near), shared: absent(sharing) };
}
