import { SymbolBinding } from '#libs/elf';
import type { Atom, Reference } from '../model/atom.js';
import { listAt } from '../model/lists.js';
import { coldParentName } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import { takesAddress, type Uses } from '../model/uses.js';
import { branchKind } from './branches.js';
import { isSyscallEntry } from './syscalls.js';

/**
 * An old function that isn't redirected itself and is entered by a jump: no caller of it is on the stack then, so the kernel
 * doesn't see a task that sleeps in it. That task runs on in old code until it returns (docs/adr/0008).
 */
export interface InFlight {
  readonly symbol: string;
  /** Who jumps to it. */
  readonly from: string;
  /** May it get into code of other objects, and from there anywhere? */
  readonly leaves: boolean;
}

/**
 * Which of these old functions does no stack show? A frame of a redirected caller guards what it calls; a caller that
 * isn't redirected is as good as whoever called that; a jump leaves no frame. Gives each with one that enters it.
 */
export function unseen(old: ReadonlySet<Atom>, uses: Uses, parentOf: (user: Atom) => Atom): ReadonlyMap<Atom, Atom> {
  const found = new Map<Atom, Atom>();
  const enteredFrom = new Map<Atom, Atom[]>();
  for (const atom of old)
    for (const { user, reference } of uses.get(atom)) {
      const parent = parentOf(user);
      if (parent.role !== 'text' || parent === parentOf(atom)) continue;
      if (old.has(parent)) listAt(enteredFrom, parent).push(atom);
      else if (!found.has(atom) && branchKind(user, reference) === 'jump') found.set(atom, parent);
    }
  // A map is gone through in the order of its entries, new ones included.
  for (const parent of found.keys())
    for (const atom of enteredFrom.get(parent) ?? []) if (!found.has(atom)) found.set(atom, parent);
  return found;
}

interface Reached {
  readonly reached: ReadonlySet<Atom>;
  readonly leaves: boolean;
}

/** So many steps are gone in all, for all functions: an object of the kernel has some thousands of atoms. */
const maxSteps = 2_000_000;

/** Where an object's code can get to: each reference is taken for a way, tables of pointers included. */
export class Reach {
  private readonly known = new Map<Atom, Reached>();
  private stepsLeft = maxSteps;
  private readonly everywhere: Reached;
  /** By atom, whether it may leave the object: 0 for not yet known, 1 for no, 2 for yes. */
  private readonly leaving: Uint8Array;

  constructor(
    private readonly object: ObjectFile,
    private readonly uses: Uses,
  ) {
    this.everywhere = { reached: new Set(object.atoms), leaves: true };
    this.leaving = new Uint8Array(object.atoms.length);
  }

  /**
   * What may run within the object in a call of this function, and whether such a call may leave the object. Where finding
   * out takes too long, all of it may.
   */
  from(start: Atom): Reached {
    const known = this.known.get(start);
    if (known !== undefined) return known;
    if (this.stepsLeft < 0) return this.everywhere;
    const reached = this.closureOf([start]);
    const result = { reached, leaves: [...reached].some((atom) => this.mayLeave(atom)) };
    this.known.set(start, result);
    for (const atom of reached) this.stepsLeft -= 1 + atom.references.length + atom.special.length;
    return result;
  }

  /**
   * What code elsewhere can get to: by a global name, or by a pointer that someone keeps. The entries of system calls are no
   * such doors: they are only called at the bottom of a task's stack, so never within another call.
   */
  fromElsewhere(): ReadonlySet<Atom> {
    return this.closureOf(this.object.atoms.filter((atom) => this.isDoor(atom)));
  }

  private closureOf(starts: Iterable<Atom>): ReadonlySet<Atom> {
    const { object } = this;
    const reached = new Set(starts);
    for (const atom of reached) {
      object.eachTarget(atom, (index) => {
        const target = object.atoms[index];
        if (target !== undefined) reached.add(target);
      });
      for (const { target } of inReplacements(atom)) if (target.kind === 'atom') reached.add(target.atom);
    }
    return reached;
  }

  private mayLeave(atom: Atom): boolean {
    if (this.leaving[atom.index] === 0) this.leaving[atom.index] = mayLeave(atom) ? 2 : 1;
    return this.leaving[atom.index] === 2;
  }

  private isDoor(atom: Atom): boolean {
    const uses = this.uses.get(atom);
    if (atom.kind !== 'function' || isSyscallEntry(atom, uses)) return false;
    if (atom.symbols.some(({ binding }) => binding !== SymbolBinding.LOCAL)) return true;
    return uses.some(({ user, reference }) => user.kind !== 'function' || takesAddress(user, reference));
  }
}

function inReplacements(atom: Atom): readonly Reference[] {
  return atom.special.map(({ replacement }) => replacement?.references ?? []).flat();
}

/** They come back without having called anything but their like. */
const closed = new RegExp(
  '^(?:__fentry__|__x86_return_thunk|__stack_chk_fail|mem(?:cpy|set|move|cmp|chr)|str(?:len|nlen|cmp|ncmp|chr|rchr)' +
    '|_raw_spin_(?:un)?lock(?:_irq|_bh|_irqsave|_irqrestore)?)$',
);

function leaves({ target }: Reference): boolean {
  return target.kind === 'unknown' || (target.kind === 'external' && !closed.test(target.name));
}

function mayLeave(atom: Atom): boolean {
  if (atom.kind !== 'function') return false;
  return (
    atom.references.some((reference) => branchKind(atom, reference) !== undefined && leaves(reference)) ||
    inReplacements(atom).some(leaves) ||
    hasIndirectBranch(atom.bytes)
  );
}

/** `ff /2` to `ff /5` at any byte: a call or jump through a register or memory may have no relocation. */
function hasIndirectBranch(code: Uint8Array): boolean {
  return code.some((byte, index) => {
    const next = code[index + 1];
    if (byte !== 0xff || next === undefined) return false;
    const group = (next >> 3) & 7;
    return group >= 2 && group <= 5;
  });
}

/** Says of a function which one it is part of: of an unlikely path its parent, else the function itself. */
export function parentsIn(object: ObjectFile): (atom: Atom) => Atom {
  const functions = new Map(object.atoms.filter(({ kind }) => kind === 'function').map((atom) => [atom.name, atom]));
  return (atom) => functions.get(coldParentName(atom.name) ?? '') ?? atom;
}
