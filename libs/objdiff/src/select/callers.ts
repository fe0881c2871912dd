import { isPatchable } from '../compare/patchable.js';
import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import { type Atom, isShared } from '../model/atom.js';
import { coldParentName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import { type Use, usesOf } from '../model/uses.js';

/**
 * A changed function that can't be redirected can still be fixed if only functions of this file call it: it then comes as
 * a new function, and its callers get new bodies that call it. Not if its address is taken or if it is reached by a jump:
 * the stack of a task that sleeps in its old body would then show no caller, and the kernel would think it out.
 */
export function patchCallersInstead(
  objects: { original: ObjectFile; patched: ObjectFile },
  twins: Twins,
  changed: Set<Atom>,
  findings: Findings,
): void {
  const queue = [...changed];
  const needsCallers = (atom: Atom) => {
    const original = twins.originalOf(atom);
    return original !== undefined && !isPatchable(original);
  };
  if (!queue.some(needsCallers)) return;
  const uses = { original: usesOf(objects.original), patched: usesOf(objects.patched) };
  for (let atom = queue.shift(); atom !== undefined; atom = queue.shift()) {
    const original = twins.originalOf(atom);
    if (original === undefined || isPatchable(original)) continue;
    const callers = (uses.patched.get(atom) ?? []).filter(({ user }) => !isPartOf(user, atom) && user.role !== 'aux');
    const obstacle =
      obstacleOf(original, uses.original.get(original) ?? []) ?? obstacleOf(atom, uses.patched.get(atom) ?? []);
    if (obstacle !== undefined) {
      findings.refuse({
        code: 'no-fentry',
        symbol: original.name,
        reason: `it doesn't begin with a call of __fentry__, so it can't be redirected, and ${obstacle}`,
        advice: 'Fix its callers, or what it calls, instead.',
      });
      continue;
    }
    twins.separate(atom);
    changed.delete(atom);
    const names = [...new Set(callers.map(({ user }) => user.name))];
    findings.notice({
      code: 'callers-included',
      symbol: original.name,
      reason: `it can't be redirected, so its callers get new bodies: ${names.join(', ')}`,
    });
    for (const { user } of callers) {
      if (changed.has(user) || twins.originalOf(user) === undefined) continue;
      changed.add(user);
      queue.push(user);
    }
  }
}

function obstacleOf(atom: Atom, uses: readonly Use[]): string | undefined {
  if (atom.global) return 'functions of other files may call it';
  const outside = uses.filter(({ user }) => !isPartOf(user, atom) && user.role !== 'annotation' && user.role !== 'aux');
  if (outside.length === 0) return 'nothing in this file is seen to call it';
  for (const { user, isCall } of outside) {
    if (user.kind !== 'function') return `${user.name} holds its address`;
    if (user.role !== 'text' || isShared(user)) return `${user.name} in ${user.section.name} calls it`;
    if (!isCall) return `${user.name} jumps to it or takes its address`;
    if (coldParentName(user.name) !== undefined) return `${user.name}, an unlikely path, calls it`;
  }
  return undefined;
}

/** The function itself, or its unlikely path. */
function isPartOf(user: Atom, atom: Atom): boolean {
  return user === atom || coldParentName(user.name) === atom.name;
}
