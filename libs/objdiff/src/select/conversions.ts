import { isPatchable } from '../compare/patchable.js';
import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';
import { CallerPatches } from './callers.js';
import type { InFlight } from './in-flight.js';
import { functionsWithoutTwin, keepOldAndNewApart } from './mixing.js';
import { isSyscallEntryName } from './syscalls.js';

/**
 * Turns changes of functions that can't be redirected into changes of their callers, as far as that is sound, and says so.
 * Gives the old code that may still run, unseen, once every task is on the new.
 */
export function convert(
  objects: { readonly original: ObjectFile; readonly patched: ObjectFile; readonly owner: string },
  twins: Twins,
  changed: Set<Atom>,
  findings: Findings,
): readonly InFlight[] {
  const isAffected = functionsWithoutTwin(objects.original, twins).length > 0;
  if (!isAffected && ![...changed].some((atom) => isUnpatchable(atom, twins))) return [];
  const patches = new CallerPatches(objects, twins, changed, findings);
  patches.moveUnpatchable();
  const inFlight = keepOldAndNewApart(objects.original, twins, changed, patches, findings);
  noticeMoved(patches, inFlight, findings);
  return inFlight;
}

function isUnpatchable(atom: Atom, twins: Twins): boolean {
  const original = twins.originalOf(atom);
  return original !== undefined && !isPatchable(original);
}

function noticeMoved({ moved }: CallerPatches, inFlight: readonly InFlight[], findings: Findings): void {
  const runsOn = 'calls of it that are under way end in the old code, whatever the transition says';
  const unseen = new Map(inFlight.map((one) => [one.symbol, one]));
  for (const [original, callers] of moved) {
    const names = [...callers].map(({ name }) => name).join(', ');
    const isSyscall = callers.size > 0 && [...callers].every((caller) => isSyscallEntryName(caller));
    const tail = unseen.delete(original.name) ? `; ${runsOn}` : '';
    findings.notice({
      code: isSyscall ? 'syscall-converted' : 'callers-included',
      symbol: original.name,
      reason: isSyscall
        ? `the body of a system call, which can't be redirected: its entries get new bodies: ${names}${tail}`
        : `it isn't redirected itself, so its callers get new bodies: ${names}${tail}`,
    });
  }
  for (const { symbol, from } of unseen.values())
    findings.notice({
      code: 'old-code-runs-on',
      symbol,
      reason: `the new code has no such function, and it is entered by a jump from the old ${from}: ${runsOn}`,
    });
}
