import { isPatchable } from '../compare/patchable.js';
import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import { coldParentName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import type { CallerPatches } from './callers.js';
import { type InFlight, parentsIn, Reach, unseen } from './in-flight.js';
import type { Selection } from './selection.js';
import { isSyscallEntry, isSyscallEntryName } from './syscalls.js';

/** Old code that no stack shows, and a redirected function that it would get into. */
interface Mixing {
  readonly body: Atom;
  readonly from: Atom;
  /** In the patched object. */
  readonly into: Atom;
}

/** So many functions are moved to their callers at most, to keep old code in flight apart from the new. */
const maxMoves = 64;

/**
 * Keeps each call in old code or in new code, from its beginning to its end, where the kernel can't: a task that sleeps in
 * a function which was entered by a jump isn't seen, and runs on in the old code while the kernel holds it for moved. If it
 * could get into a redirected function from there, that one is moved to its callers too, or the fix is refused.
 */
export function keepOldAndNewApart(
  original: ObjectFile,
  twins: Twins,
  changed: ReadonlySet<Atom>,
  patches: CallerPatches,
  findings: Findings,
): readonly InFlight[] {
  const analysis = new Analysis(original, twins, changed, patches);
  const tried = new Set<Atom>();
  const stuck = new Map<Atom, Stuck>();
  const keep = ({ body, from, into }: Mixing, why: string): void => {
    const known = stuck.get(body) ?? { from, why, names: [] };
    known.names.push(into.name);
    stuck.set(body, known);
  };
  for (let moves = 0; moves < maxMoves; moves++) {
    const mixing = analysis.firstMixing(tried);
    if (mixing === undefined) break;
    tried.add(mixing.into);
    const obstacle = patches.move(mixing.into);
    if (obstacle !== undefined) keep(mixing, obstacle.what);
  }
  for (const mixing of analysis.mixings()) {
    if (tried.has(mixing.into)) continue;
    tried.add(mixing.into);
    keep(mixing, 'too many others would have to be');
  }
  for (const [body, one] of stuck) refuse(body, one, findings);
  return analysis.inFlight();
}

/** Redirected functions that can't be moved, though old code in flight gets to them; and why the first of them can't. */
interface Stuck {
  readonly from: Atom;
  readonly why: string;
  readonly names: string[];
}

class Analysis {
  private readonly parentOf: (user: Atom) => Atom;
  private readonly reach: Reach;
  private elsewhere: ReadonlySet<Atom> | undefined;

  constructor(
    private readonly original: ObjectFile,
    private readonly twins: Twins,
    private readonly changed: ReadonlySet<Atom>,
    private readonly patches: CallerPatches,
  ) {
    this.parentOf = parentsIn(original);
    this.reach = new Reach(original, patches.uses.original);
  }

  *mixings(): Generator<Mixing> {
    const redirected = this.redirected();
    for (const [body, from] of this.bodies()) {
      const { reached, leaves } = this.reach.from(body);
      const isOpen = leaves && this.isHeldBack(body);
      if (isOpen) this.elsewhere ??= this.reach.fromElsewhere();
      for (const [old, into] of redirected)
        if (reached.has(old) || (isOpen && this.elsewhere?.has(old) === true)) yield { body, from, into };
    }
  }

  firstMixing(tried: ReadonlySet<Atom>): Mixing | undefined {
    for (const mixing of this.mixings()) if (!tried.has(mixing.into)) return mixing;
    return undefined;
  }

  /**
   * Couldn't it be redirected? Of one that could and is gone (inlined, say) only ways within the object count: that a call may
   * come back from anywhere is so with each old function that the kernel's check misses, and that we don't add to.
   */
  private isHeldBack(body: Atom): boolean {
    return this.patches.moved.has(body) && !isPatchable(body);
  }

  inFlight(): InFlight[] {
    return [...this.bodies()].map(([body, from]) => ({
      symbol: body.name,
      from: from.name,
      leaves: this.isHeldBack(body) && this.reach.from(body).leaves,
    }));
  }

  /** Old code that may run on without being seen, each with a function that jumps to it. */
  private bodies(): ReadonlyMap<Atom, Atom> {
    const old = functionsWithoutTwin(this.original, this.twins);
    return unseen(new Set(old), this.patches.uses.original, this.parentOf);
  }

  private redirected(): readonly (readonly [original: Atom, patched: Atom])[] {
    return [...this.changed].flatMap((patched) => {
      const original = this.twins.originalOf(patched);
      // What can't be redirected at all has been refused.
      if (original === undefined || !isPatchable(original)) return [];
      return isSyscallEntry(original, this.patches.uses.original.get(original)) ? [] : [[original, patched] as const];
    });
  }
}

/** Old functions that nothing in the new code takes the place of: moved to their callers, inlined, or gone. */
export function functionsWithoutTwin(original: ObjectFile, twins: Twins): readonly Atom[] {
  return original.atoms.filter(
    (atom) =>
      atom.kind === 'function' &&
      atom.role === 'text' &&
      coldParentName(atom.name) === undefined &&
      twins.patchedOf(atom) === undefined,
  );
}

function refuse({ name }: Atom, { from, why, names }: Stuck, findings: Findings): void {
  const [first = ''] = names;
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  findings.refuse({
    code: 'old-code-in-flight',
    symbol: name,
    reason:
      `a task that sleeps in its old code, entered from ${from.name}, has no redirected function on its stack, so the ` +
      `kernel doesn't wait for it; it could go on from there into the new ${names.slice(0, 5).join(', ')}${more} ` +
      `(${first} can't come as a copy: ${why})`,
    advice: `Leave ${first} as it is, and put what changes in it into a new function that only the new ${name} calls.`,
  });
}

/** The same across the objects of a fix: old code that leaves its object may get to any redirected function of another. */
export function refuseMixedObjects(selections: readonly Selection[], findings: Findings): void {
  for (const selection of selections)
    for (const { symbol, from } of selection.inFlight.filter(({ leaves }) => leaves))
      for (const other of selections)
        for (const { original } of other === selection ? [] : other.replacements) {
          if (isSyscallEntryName(original)) continue;
          findings.refuse({
            code: 'old-code-in-flight',
            symbol,
            reason:
              `a task that sleeps in its old code, entered from ${from}, has no redirected function on its stack, so the ` +
              `kernel doesn't wait for it; it could go on from there into the new ${original.name} of ${other.objectFile}`,
            advice: `Make the change of ${original.name} a fix of its own, if each is right without the other.`,
          });
        }
}
