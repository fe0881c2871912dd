import type { LoadedFunction, LoadedPatch } from './livepatch-tree.js';

/**
 * Whether the kernel replaced exactly the expected functions, in all objects that are there.
 * @param patch as the kernel shows it; undefined if it shows none of this name
 * @param isLive whether a module is loaded: one that isn't gets its new functions when it is
 * @returns in words what is wrong; undefined if nothing is
 */
export async function disproof(
  patch: LoadedPatch | undefined,
  expected: readonly LoadedFunction[],
  isLive: (module: string) => Promise<boolean>,
): Promise<string | undefined> {
  if (patch === undefined) return 'it is no live patch';
  const difference = functionsDiffer(patch, expected);
  if (difference !== undefined) return difference;
  for (const object of new Set(expected.map((one) => one.object))) {
    const isThere = object === 'vmlinux' || (await isLive(object));
    if (isThere && !patch.patchedObjects.includes(object)) return `the kernel did not patch ${object}`;
  }
  return undefined;
}

function functionsDiffer(patch: LoadedPatch, expected: readonly LoadedFunction[]): string | undefined {
  if (!patch.enabled) return 'the kernel did not enable it';
  const actual = new Set(patch.functions.map(functionKey));
  const wanted = new Set(expected.map(functionKey));
  const missing = [...wanted].filter((key) => !actual.has(key));
  const surplus = [...actual].filter((key) => !wanted.has(key));
  if (wanted.size === expected.length && missing.length === 0 && surplus.length === 0) return undefined;
  return `it should replace ${missing.join(', ') || 'nothing more'}, and not ${surplus.join(', ') || 'less'}`;
}

/** The kernel shows position 1 for a symbol that was asked for as the only one of its name (klp_init_func). */
function functionKey({ object, symbol, sympos }: LoadedFunction): string {
  return `${object}/${symbol},${sympos === 0 ? 1 : sympos}`;
}
