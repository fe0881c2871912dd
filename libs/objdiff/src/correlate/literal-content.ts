import { createHash } from 'node:crypto';
import type { Atom, Reference } from '../model/atom.js';
import { shapeOf, sourceName } from '../model/names.js';
import type { Twins } from './twins.js';

/** Literals within literals within … deeper than any source has them. */
const maxDepth = 16;

/** `(unsigned int []){ 800, 400 }` in a variable's initialiser: gcc calls it `__compound_literal.7`, clang `.compoundliteral.7`. */
export function isCompoundLiteral({ kind, name }: Atom): boolean {
  return kind === 'data' && /^(?:__compound_literal|\.?compoundliteral)(?:$|\.)/.test(sourceName(name) || name);
}

/**
 * What a compound literal says, as a text that is the same before and after a fix: bytes, and what it refers to by twin, by name, or (for
 * literals within it that have no twin yet) by their content in turn.
 */
export class LiteralContents {
  private readonly known = new Map<Atom, string | undefined>();

  /** @param side that the literals are of */
  constructor(
    private readonly side: 'original' | 'patched',
    private readonly twins: Twins,
    private readonly ids: AtomIds,
  ) {}

  /** Undefined if it can't be told. */
  of(literal: Atom, depth = 0): string | undefined {
    if (depth > maxDepth) return undefined;
    if (this.known.has(literal)) return this.known.get(literal);
    const said = literal.references.map((one) => this.reference(one, depth));
    const content = said.includes(undefined)
      ? undefined
      : createHash('sha256')
          .update(`${literal.role} ${literal.sizeBytes}\0${said.join('\0')}\0`)
          .update(literal.bytes)
          .digest('hex');
    this.known.set(literal, content);
    return content;
  }

  private reference({ at, type, addend, target }: Reference, depth: number): string | undefined {
    const place = `${at} ${type} ${addend}`;
    switch (target.kind) {
      case 'string':
        return `${place} "${target.text}"`;
      case 'constant':
        return `${place} ${Buffer.from(target.bytes).toString('hex')}`;
      case 'external':
        return `${place} ${shapeOf(target.name)}`;
      case 'atom': {
        const content = this.atom(target.atom, depth);
        return content === undefined ? undefined : `${place} ${content}`;
      }
      default:
        return undefined;
    }
  }

  private atom(atom: Atom, depth: number): string | undefined {
    const original = this.side === 'original' ? atom : this.twins.originalOf(atom);
    if (original !== undefined && this.twins.patchedOf(original) !== undefined) return `#${this.ids.of(original)}`;
    return isCompoundLiteral(atom) ? this.of(atom, depth + 1) : undefined;
  }
}

/** Numbers for atoms: what has a twin is told by its original. */
export class AtomIds {
  private readonly numbers = new Map<Atom, number>();

  of(atom: Atom): number {
    const known = this.numbers.get(atom) ?? this.numbers.size;
    this.numbers.set(atom, known);
    return known;
  }
}
