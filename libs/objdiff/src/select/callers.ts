import { isPatchable } from '../compare/patchable.js';
import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import { type Atom, isShared } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';
import { Uses } from '../model/uses.js';
import { branchKind } from './branches.js';
import { parentsIn } from './in-flight.js';

/** What stands in the way of patching a function's callers in its stead, and what to do about it. */
interface Obstacle {
  readonly what: string;
  readonly advice: string;
}

/**
 * A changed function that can't be redirected can still be fixed if only functions of this file call it: its new code comes
 * as a new function, and its callers get new bodies that call that. They may have to be moved themselves.
 */
export class CallerPatches {
  readonly uses: { readonly original: Uses; readonly patched: Uses };
  private readonly parents: { readonly original: (user: Atom) => Atom; readonly patched: (user: Atom) => Atom };
  private readonly movedTo = new Map<Atom, ReadonlySet<Atom>>();

  constructor(
    private readonly objects: { readonly original: ObjectFile; readonly patched: ObjectFile; readonly owner: string },
    private readonly twins: Twins,
    private readonly changed: Set<Atom>,
    private readonly findings: Findings,
  ) {
    this.uses = { original: new Uses(objects.original), patched: new Uses(objects.patched) };
    this.parents = { original: parentsIn(objects.original), patched: parentsIn(objects.patched) };
  }

  /** Originals whose new code comes without a redirection, each with the functions that get new bodies for it. */
  get moved(): ReadonlyMap<Atom, ReadonlySet<Atom>> {
    return this.movedTo;
  }

  /** Moves all changed functions that can't be redirected, or refuses them. */
  moveUnpatchable(): void {
    this.drain([...this.changed]);
  }

  /** Moves one that could be redirected, but must not be. Says what stands in the way, and then has done nothing. */
  move(atom: Atom): Obstacle | undefined {
    const original = this.twins.originalOf(atom);
    if (original === undefined) return undefined;
    const obstacle = this.obstacleOf(original, atom);
    if (obstacle === undefined) this.drain(this.separate(atom, original));
    return obstacle;
  }

  private drain(queue: Atom[]): void {
    // It grows while it is gone through.
    for (const atom of queue) {
      const original = this.twins.originalOf(atom);
      if (original === undefined || isPatchable(original)) continue;
      const obstacle = this.obstacleOf(original, atom);
      if (obstacle === undefined) queue.push(...this.separate(atom, original));
      else
        this.findings.refuse({
          code: 'no-fentry',
          symbol: original.name,
          reason: `it doesn't begin with a call of __fentry__, so it can't be redirected, and ${obstacle.what}`,
          advice: obstacle.advice,
        });
    }
  }

  /** Makes it new code; gives the callers that must change with it and haven't yet. */
  private separate(atom: Atom, original: Atom): Atom[] {
    this.twins.separate(atom);
    this.changed.delete(atom);
    const callers = new Set<Atom>();
    for (const { user } of this.uses.patched.get(atom)) {
      const parent = this.parents.patched(user);
      if (parent !== atom && parent.role === 'text') callers.add(parent);
    }
    this.movedTo.set(original, callers);
    const more = [...callers].filter((user) => !this.changed.has(user) && this.twins.originalOf(user) !== undefined);
    for (const user of more) this.changed.add(user);
    return more;
  }

  private obstacleOf(original: Atom, patched: Atom): Obstacle | undefined {
    if (original.global || patched.global)
      return {
        what: 'functions of other files may call it',
        advice: 'Put the changed code into a new function, and let the functions that matter call that.',
      };
    return (
      this.obstacleIn(original, this.uses.original, this.parents.original) ??
      this.obstacleIn(patched, this.uses.patched, this.parents.patched)
    );
  }

  private obstacleIn(atom: Atom, uses: Uses, parentOf: (user: Atom) => Atom): Obstacle | undefined {
    const outside = uses
      .get(atom)
      .filter(({ user }) => parentOf(user) !== atom && user.role !== 'annotation' && user.role !== 'aux');
    if (outside.every(({ user }) => this.hasRunForGood(user)))
      return {
        what: outside.length === 0 ? 'nothing in this file is seen to call it' : 'only code that ran at boot calls it',
        advice: 'Fix what calls it instead.',
      };
    for (const { user, reference, isOwn } of outside) {
      const parent = parentOf(user);
      if (user.kind === 'function' && this.hasRunForGood(user)) continue;
      if (user.kind === 'function' && (parent.role !== 'text' || isShared(user)))
        return {
          what: `${user.name} in ${user.section.name} calls it, which can't be redirected either`,
          advice: `Fix what calls ${user.name}, or what the function itself calls, instead.`,
        };
      // An alternative's replacement has references too, which aren't in the function's own code.
      if (!isOwn || branchKind(user, reference) === undefined)
        return {
          what: `${user.name} holds its address, which would go on leading to the old code`,
          advice: `Let ${user.name} have the address of a new function, set from code that runs after the patch is loaded.`,
        };
    }
    return undefined;
  }

  /** The kernel's own init code is gone when a patch comes; a module's may run after it. */
  private hasRunForGood(user: Atom): boolean {
    return user.role === 'init' && this.objects.owner === 'vmlinux';
  }
}
