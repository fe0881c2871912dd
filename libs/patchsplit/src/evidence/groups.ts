import type { NameUse, SymbolIndex } from './symbol-index.js';

/**
 * For each hunk that nobody claims, the name that joins it with others of them: what one brings, drops or declares otherwise and the
 * others use. Hunks that nothing joins have none.
 */
export function groupsOf(symbols: SymbolIndex, isOpen: (hunk: number) => boolean): ReadonlyMap<number, string> {
  const parent = new Map<number, number>();
  const rootOf = (hunk: number): number => {
    let root = hunk;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    return root;
  };
  const sizes = new Map<string, { readonly hunk: number; readonly size: number }>();
  for (const { name, ...use } of [...symbols.brought(), ...symbols.dropped(), ...symbols.redeclared()]) {
    const open = hunksOf(use).filter(isOpen);
    const [first] = open;
    if (first === undefined || open.length < 2) continue;
    for (const hunk of open) {
      const [a, b] = [rootOf(first), rootOf(hunk)];
      parent.set(Math.max(a, b), Math.min(a, b));
      parent.set(Math.min(a, b), Math.min(a, b));
    }
    if ((sizes.get(name)?.size ?? 0) < open.length) sizes.set(name, { hunk: first, size: open.length });
  }
  // A group is called by the name that most of it has in common, the first of them in the alphabet.
  const names = new Map<number, { readonly name: string; readonly size: number }>();
  for (const [name, { hunk, size }] of [...sizes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const root = rootOf(hunk);
    if ((names.get(root)?.size ?? 0) < size) names.set(root, { name, size });
  }
  return new Map(
    [...parent.keys()].flatMap((hunk) => {
      const group = names.get(rootOf(hunk));
      return group ? [[hunk, group.name] as const] : [];
    }),
  );
}

function hunksOf({ makers, takers }: Omit<NameUse, 'name'>): number[] {
  return [...new Set([...makers, ...takers])];
}
