import type { Findings } from '../findings.js';
import { type Atom, isShared, type Reference } from '../model/atom.js';
import { takesAddress } from '../model/uses.js';
import type { Selection } from '../select/selection.js';
import type { Constants } from './constants.js';
import type { Place, Resolved } from './output.js';
import type { KernelSymbols } from './symbols.js';

/** A reference with its target settled; the addend counts from what `target` names. */
export interface Settled {
  readonly target: Resolved;
  readonly addend: number;
}

/** Settles references of included atoms: within the module, to another object's new code, or into the kernel. */
export class ReferenceResolver {
  private readonly newGlobals = new Map<string, Atom>();
  private readonly replacedGlobals = new Map<string, Atom>();

  constructor(
    private readonly diffs: readonly Selection[],
    private readonly places: ReadonlyMap<Atom, Place>,
    private readonly constants: Constants,
    private readonly kernel: KernelSymbols,
    private readonly findings: Findings,
  ) {
    for (const diff of diffs) {
      for (const atom of [...diff.addedFunctions, ...diff.data])
        if (atom.global && diff.twins.originalOf(atom) === undefined) this.addNewGlobal(atom);
      for (const { atom } of diff.replacements) if (atom.global) this.replacedGlobals.set(atom.name, atom);
    }
  }

  private addNewGlobal(atom: Atom): void {
    for (const { name } of atom.symbols) {
      if (this.newGlobals.has(name))
        this.findings.refuse({ code: 'symbol-conflict', symbol: name, reason: 'two objects bring it as new' });
      this.newGlobals.set(name, atom);
    }
  }

  /** `user` is the atom that has it; undefined for an entry of a special section, which never takes addresses. */
  settle(diff: Selection, user: Atom | undefined, reference: Reference): Settled | undefined {
    const { target, addend } = reference;
    switch (target.kind) {
      case 'string':
        return { target: { kind: 'place', place: this.constants.string(target.text) }, addend };
      case 'constant':
        return { target: { kind: 'place', place: this.constants.constant(target.bytes) }, addend };
      case 'external':
        return this.settleExternal(diff, user, reference, target.name);
      case 'atom':
        return this.settleAtom(diff, user, reference, target.atom);
      default:
        this.findings.refuse({ code: 'ambiguous-reference', reason: target.what });
        return undefined;
    }
  }

  private settleExternal(diff: Selection, user: Atom | undefined, reference: Reference, name: string) {
    const replaced = this.replacedGlobals.get(name);
    const called = replaced !== undefined && user !== undefined && !takesAddress(user, reference);
    const atom = this.newGlobals.get(name) ?? (called ? replaced : undefined);
    const place = atom && this.places.get(atom);
    if (place !== undefined) return { target: { kind: 'place', place } as const, addend: reference.addend };
    const { owner, objectFile } = diff;
    const resolved = this.kernel.resolve({ name, owner, objectFile, scope: 'elsewhere' });
    return resolved && { target: resolved, addend: reference.addend };
  }

  /**
   * Calls of a changed function go to its new code; a pointer to it is that of the original, which redirects: it stays
   * good after the patch is gone.
   */
  private settleAtom(diff: Selection, user: Atom | undefined, reference: Reference, atom: Atom): Settled | undefined {
    const { addend } = reference;
    const place = this.places.get(atom);
    const original = diff.twins.originalOf(atom);
    const isPointer = atom.kind === 'function' && user !== undefined && takesAddress(user, reference);
    if (place !== undefined && (original === undefined || !isPointer))
      return { target: { kind: 'place', place }, addend };
    if (original === undefined) {
      this.findings.refuse({ code: 'ambiguous-reference', symbol: atom.name, reason: 'it is new but not included' });
      return undefined;
    }
    const named = isShared(original)
      ? this.inShared(original, addend)
      : { name: original.name, start: 0, global: original.global };
    if (named === undefined) return undefined;
    const scope = named.global ? 'here' : 'local';
    const { owner, objectFile } = diff;
    const resolved = this.kernel.resolve({ name: named.name, owner, objectFile, scope });
    return resolved && { target: resolved, addend: addend - named.start };
  }

  /** The function that begins where a call or pointer into a section of several functions leads. */
  private inShared(original: Atom, addend: number) {
    const behind = original.functions.at(addend + 4);
    const symbol = original.functions.at(addend)[0] ?? behind[0];
    const both = behind.length > 0 && symbol?.value !== behind[0]?.value;
    if (symbol !== undefined && !both) {
      const start = Number(symbol.value);
      return { name: symbol.name, start, global: symbol.binding !== 0 };
    }
    this.findings.refuse({
      code: 'ambiguous-reference',
      symbol: original.name,
      reason: `which function of ${original.section.name} is meant, is not clear`,
    });
    return undefined;
  }
}
