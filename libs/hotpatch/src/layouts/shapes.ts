import { createHash } from 'node:crypto';
import { type Btf, type BtfStruct, type BtfType, KernelImageError } from '#libs/kernelimage';

/** A member with its place in the whole, whatever anonymous structures it stands in. */
export interface PlacedMember {
  /** `offset:width` in bits. */
  readonly place: string;
  readonly typeId: number;
}

const maxDepth = 24;
/** Longer texts are kept as their digest: types from outside must not grow without bound. */
const maxText = 256;
const maxMembers = 65_536;

/**
 * How types lie in memory, as texts: equal texts, equal meaning of the bytes. Names of numbers and pointers, and what a
 * pointer points to, don't count; a pointer to a function has its prototype, for who calls it relies on that.
 */
export class Shapes {
  private readonly known = { named: new Map<number, string>(), deep: new Map<number, string>() };

  constructor(private readonly btf: Btf) {}

  /** With structures by their names. */
  named(id: number): string {
    return this.shape(id, 'named', 0);
  }

  /** With structures taken apart, down to numbers and pointers: `int` and `struct { int counter; }` are one. */
  deep(id: number): string {
    return this.shape(id, 'deep', 0);
  }

  /**
   * Members by name, those of anonymous members included. A member without a name gets one by its place.
   * @throws KernelImageError `bad-btf` for more members than any structure has
   */
  members(struct: BtfStruct): ReadonlyMap<string, PlacedMember> {
    const members = new Map<string, PlacedMember>();
    let left = maxMembers;
    const add = (part: BtfStruct, base: number, depth: number): void => {
      for (const { name, offsetBits, widthBits, typeId } of part.members) {
        if (--left < 0) throw new KernelImageError('bad-btf', `struct ${struct.name} has too many members`);
        const offset = base + offsetBits;
        const inner = name === '' && depth < maxDepth ? this.btf.structById(typeId) : undefined;
        if (inner) add(inner, offset, depth + 1);
        else members.set(name || `at bit ${offset}`, { place: `${offset}:${widthBits}`, typeId });
      }
    };
    add(struct, 0, 0);
    return members;
  }

  /** What an array is of; any other type is its own element. */
  element(id: number): number {
    let element = id;
    for (let step = 0; step < maxDepth; step++) {
      const type = this.stripped(element);
      if (type?.kind !== 'array') break;
      element = type.typeId;
    }
    return element;
  }

  /** The structure without a name that a type is, or is an array of. */
  anonymous(id: number): BtfStruct | undefined {
    const type = this.stripped(this.element(id));
    return (type?.kind === 'struct' || type?.kind === 'union') && type.name === '' ? type : undefined;
  }

  private shape(id: number, how: 'named' | 'deep', depth: number): string {
    const known = this.known[how].get(id);
    if (known !== undefined) return known;
    if (depth > maxDepth) return '…';
    // A structure that has itself as a member is no C type; whatever it is, it ends here.
    this.known[how].set(id, '↺');
    const text = this.described(id, how, depth + 1);
    const short = text.length > maxText ? createHash('sha256').update(text).digest('hex') : text;
    this.known[how].set(id, short);
    return short;
  }

  private described(id: number, how: 'named' | 'deep', depth: number): string {
    const type = this.btf.type(id);
    const shape = (inner: number): string => this.shape(inner, how, depth);
    switch (type?.kind) {
      case undefined:
        return 'void';
      case 'int':
        return `int${type.sizeBytes}`;
      case 'enum':
        return `int${type.sizeBytes}`;
      case 'float':
        return `float${type.sizeBytes}`;
      case 'pointer':
        return `*${this.prototypeAt(type.typeId, depth)}`;
      case 'array':
        return this.arrayOf(type.count, type.typeId, how, depth);
      case 'struct':
      case 'union':
        return this.aggregate(type, how, depth);
      case 'typedef':
      case 'qualified':
        return shape(type.typeId);
      case 'prototype':
        return `(${type.parameterIds.map(shape).join()})${shape(type.returnId)}`;
      default:
        return type?.kind ?? '';
    }
  }

  /** `[2][3]` and `[3][2]` and `[6]` lie alike, and compilers and pahole write them differently. */
  private arrayOf(count: number, typeId: number, how: 'named' | 'deep', depth: number): string {
    let total = count;
    let element = typeId;
    for (let step = 0; step < maxDepth; step++) {
      const inner = this.stripped(element);
      if (inner?.kind !== 'array') break;
      total *= inner.count;
      element = inner.typeId;
    }
    return `[${total}]${this.shape(element, how, depth)}`;
  }

  private aggregate(struct: BtfStruct, how: 'named' | 'deep', depth: number): string {
    const { kind, name, sizeBytes, members } = struct;
    if (how === 'named' && name !== '') return `${kind} ${name}:${sizeBytes}`;
    const [only] = members;
    if (how === 'deep' && members.length === 1 && only?.offsetBits === 0 && only.widthBits === 0)
      return this.shape(only.typeId, how, depth);
    const parts = members.map(
      (one) =>
        `${how === 'named' ? one.name : ''}@${one.offsetBits}:${one.widthBits} ${this.shape(one.typeId, how, depth)}`,
    );
    return `${kind === 'union' ? '|' : ''}{${sizeBytes} ${parts.join()}}`;
  }

  /** Prototypes have pointers to structures that have pointers to prototypes … so they are taken one level deep. */
  private prototypeAt(id: number, depth: number): string {
    const type = this.stripped(id);
    if (type?.kind !== 'prototype') return '';
    const flat = (inner: number): string => {
      const kind = this.stripped(inner)?.kind;
      // What is only declared and yet passed by value is an enumeration.
      return kind === 'pointer' ? '*' : kind === 'declared' ? 'int4' : this.shape(inner, 'named', depth);
    };
    return `(${type.parameterIds.map(flat).join()})${flat(type.returnId)}`;
  }

  private stripped(id: number): BtfType | undefined {
    let type = this.btf.type(id);
    for (let step = 0; step < maxDepth && (type?.kind === 'typedef' || type?.kind === 'qualified'); step++)
      type = this.btf.type(type.typeId);
    return type;
  }
}
