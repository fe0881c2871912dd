import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import { coldParentName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';

/**
 * `f.cold` is reached by jumps out of `f` and jumps back into it, so both are one: if it changed, `f` did; and with a new
 * `f` comes its `f.cold`, changed or not.
 */
export function joinColdParts(patched: ObjectFile, twins: Twins, changed: Set<Atom>, findings: Findings): void {
  const functions = new Map(patched.atoms.filter(({ kind }) => kind === 'function').map((atom) => [atom.name, atom]));
  for (const atom of functions.values()) {
    const parentName = coldParentName(atom.name);
    if (parentName === undefined || !changed.has(atom)) continue;
    changed.delete(atom);
    const parent = functions.get(parentName);
    if (parent !== undefined) changed.add(parent);
    else
      findings.refuse({
        code: 'ambiguous-reference',
        symbol: atom.name,
        reason: `the function that this unlikely path belongs to isn't there`,
      });
  }
}

/** Lets the cold parts of what is included come along, as new code. */
export function separateColdParts(patched: ObjectFile, twins: Twins, isIncluded: (parent: Atom) => boolean): void {
  const functions = new Map(patched.atoms.filter(({ kind }) => kind === 'function').map((atom) => [atom.name, atom]));
  for (const atom of functions.values()) {
    const parent = functions.get(coldParentName(atom.name) ?? '');
    if (parent !== undefined && isIncluded(parent)) twins.separate(atom);
  }
}
