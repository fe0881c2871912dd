import type { Atom } from '../model/atom.js';
import { coldParentName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';

/** What a function calls outside of its object by name, with how often; its unlikely path included. */
export type Calls = ReadonlyMap<string, number>;

/** Counts the calls of each function of an object. */
export function callsIn(object: ObjectFile): (atom: Atom) => Calls {
  const cold = new Map<string, Atom>();
  for (const atom of object.atoms) {
    const parent = atom.kind === 'function' ? coldParentName(atom.name) : undefined;
    if (parent !== undefined) cold.set(parent, atom);
  }
  return (atom) => {
    const counts = new Map<string, number>();
    for (const part of [atom, cold.get(atom.name)])
      for (const { target, at } of part?.references ?? []) {
        const isBranch = part?.bytes[at - 1] === 0xe8 || part?.bytes[at - 1] === 0xe9;
        if (isBranch && target.kind === 'external') counts.set(target.name, (counts.get(target.name) ?? 0) + 1);
      }
    return counts;
  };
}
