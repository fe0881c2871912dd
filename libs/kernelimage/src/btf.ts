import type { BtfEnumerator, BtfStruct, BtfType } from './btf-types.js';
import { KernelImageError } from './errors.js';

const kinds = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  typeTag: 18,
} as const;
const declTag = 17;
const enum64 = 19;
const maxTypes = 4_000_000;
/** The kernel's own bound is 128 or 512 (KSYM_NAME_LEN). */
const maxNameBytes = 1024;
const maxNesting = 16;

/** Bytes that follow a type's 12-byte head, by its kind. Source: Documentation/bpf/btf.rst, "Type Encoding". */
function tailBytes(kind: number, vlen: number): number {
  switch (kind) {
    case kinds.int:
    case kinds.var:
    case declTag:
      return 4;
    case kinds.array:
      return 12;
    case kinds.struct:
    case kinds.union:
    case kinds.datasec:
    case enum64:
      return vlen * 12;
    case kinds.enum:
    case kinds.funcProto:
      return vlen * 8;
    default:
      return 0;
  }
}

/** BTF type information: which structures there are and how they lie in memory. */
export class Btf {
  private readonly byName = new Map<string, number[]>();
  private readonly names = new Map<number, string>();

  private constructor(
    private readonly types: Buffer,
    private readonly strings: Buffer,
    /** Offset of each type by id; id 0 is void. */
    private readonly offsets: readonly number[],
  ) {
    for (let id = 1; id < offsets.length; id += 1) {
      const kind = this.kindOf(id);
      const nameAt = types.readUInt32LE(offsets[id] ?? 0);
      if ((kind === kinds.struct || kind === kinds.union) && nameAt !== 0) {
        const name = this.nameAt(nameAt);
        const equals = this.byName.get(name);
        if (equals) equals.push(id);
        else this.byName.set(name, [id]);
      }
    }
  }

  /** Reads a `.BTF` section. @throws KernelImageError `bad-btf` */
  static parse(bytes: Buffer): Btf {
    if (bytes.length < 24 || bytes.readUInt16LE(0) !== 0xeb9f) throw new KernelImageError('bad-btf', 'no BTF header');
    const head = bytes.readUInt32LE(4);
    const [typeOff, typeLen, strOff, strLen] = [8, 12, 16, 20].map((at) => bytes.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
    ];
    if (head + typeOff + typeLen > bytes.length || head + strOff + strLen > bytes.length) {
      throw new KernelImageError('bad-btf', 'BTF runs past the end of its section');
    }
    const types = bytes.subarray(head + typeOff, head + typeOff + typeLen);
    const strings = bytes.subarray(head + strOff, head + strOff + strLen);
    const offsets = [0];
    for (let at = 0; at < types.length;) {
      if (at + 12 > types.length || offsets.length > maxTypes) throw new KernelImageError('bad-btf', `type at ${at}`);
      offsets.push(at);
      const info = types.readUInt32LE(at + 4);
      at += 12 + tailBytes((info >>> 24) & 0x1f, info & 0xffff);
      if (at > types.length) throw new KernelImageError('bad-btf', 'the last type is cut off');
    }
    return new Btf(types, strings, offsets);
  }

  /** Number of types. */
  get count(): number {
    return this.offsets.length - 1;
  }

  /** Names of all named structures and unions. */
  structNames(): IterableIterator<string> {
    return this.byName.keys();
  }

  /** The structure or union of that name (the first, where several have it). */
  struct(name: string): BtfStruct | undefined {
    const id = this.byName.get(name)?.[0];
    return id === undefined ? undefined : this.structById(id);
  }

  /** All structures and unions of that name: different files of a kernel may have their own. */
  structsNamed(name: string): readonly BtfStruct[] {
    return (this.byName.get(name) ?? []).flatMap((id) => this.structById(id) ?? []);
  }

  /** The type with that id; undefined for void and for ids that name nothing. */
  type(id: number): BtfType | undefined {
    const at = this.offsets[id];
    if (id < 1 || at === undefined) return undefined;
    const kind = this.kindOf(id);
    const word = (index: number): number => this.types.readUInt32LE(at + index * 4);
    const name = (): string => this.nameAt(word(0));
    const length = word(1) & 0xffff;
    switch (kind) {
      case kinds.struct:
      case kinds.union:
        return this.structById(id);
      case kinds.int:
        return { kind: 'int', name: name(), sizeBytes: word(2), encoding: (word(3) >>> 24) & 0xf };
      case kinds.float:
        return { kind: 'float', name: name(), sizeBytes: word(2) };
      case kinds.ptr:
        return { kind: 'pointer', typeId: word(2) };
      case kinds.array:
        return { kind: 'array', typeId: word(3), count: word(5) };
      case kinds.enum:
      case enum64:
        return {
          kind: 'enum',
          name: name(),
          sizeBytes: word(2),
          values: this.enumerators(at, length, kind === enum64),
        };
      case kinds.fwd:
        return { kind: 'declared', name: name() };
      case kinds.typedef:
        return { kind: 'typedef', name: name(), typeId: word(2) };
      case kinds.volatile:
      case kinds.const:
      case kinds.restrict:
      case kinds.typeTag:
        return { kind: 'qualified', typeId: word(2) };
      case kinds.funcProto: {
        const parameterIds = Array.from({ length }, (_, index) => word(4 + index * 2));
        return { kind: 'prototype', returnId: word(2), parameterIds };
      }
      case kinds.func:
        return { kind: 'function', name: name(), typeId: word(2) };
      case kinds.var:
        return { kind: 'variable', name: name(), typeId: word(2) };
      default:
        return { kind: 'other' };
    }
  }

  private enumerators(at: number, length: number, isWide: boolean): readonly BtfEnumerator[] {
    const size = isWide ? 12 : 8;
    return Array.from({ length }, (_, index) => {
      const entry = at + 12 + index * size;
      const low = isWide ? BigInt(this.types.readUInt32LE(entry + 4)) : BigInt(this.types.readInt32LE(entry + 4));
      const value = isWide ? low | (BigInt(this.types.readUInt32LE(entry + 8)) << 32n) : low;
      return { name: this.nameAt(this.types.readUInt32LE(entry)), value };
    });
  }

  /** The structure with that type id; undefined if the id names something else. */
  structById(id: number): BtfStruct | undefined {
    const kind = this.kindOf(id);
    if (kind !== kinds.struct && kind !== kinds.union) return undefined;
    const at = this.offsets[id] ?? 0;
    const info = this.types.readUInt32LE(at + 4);
    const bitfields = info >>> 31 === 1;
    const members = Array.from({ length: info & 0xffff }, (_, i) => {
      const member = at + 12 + i * 12;
      const offset = this.types.readUInt32LE(member + 8);
      return {
        name: this.nameAt(this.types.readUInt32LE(member)),
        typeId: this.types.readUInt32LE(member + 4),
        offsetBits: bitfields ? offset & 0xffffff : offset,
        widthBits: bitfields ? offset >>> 24 : 0,
      };
    });
    return {
      id,
      kind: kind === kinds.struct ? 'struct' : 'union',
      name: this.nameAt(this.types.readUInt32LE(at)),
      sizeBytes: this.types.readUInt32LE(at + 8),
      members,
    };
  }

  /**
   * A member's offset in bytes, looked for in anonymous members too; undefined if there is no such member or it doesn't
   * start on a byte.
   */
  offsetOf(struct: BtfStruct, member: string): number | undefined {
    return this.memberOffset(struct, member, new Set());
  }

  /** A type that was looked into in vain isn't looked into again: else one that contains itself a hundred times has no end. */
  private memberOffset(struct: BtfStruct, member: string, inVain: Set<number>, depth = 0): number | undefined {
    inVain.add(struct.id);
    for (const one of struct.members) {
      if (one.name === member) return one.offsetBits % 8 === 0 ? one.offsetBits / 8 : undefined;
      if (one.name !== '' || depth > maxNesting || inVain.has(one.typeId)) continue;
      const inner = this.structById(one.typeId);
      const found = inner && this.memberOffset(inner, member, inVain, depth + 1);
      if (found !== undefined) return found + one.offsetBits / 8;
    }
    return undefined;
  }

  private kindOf(id: number): number {
    const at = this.offsets[id];
    return id < 1 || at === undefined ? 0 : (this.types.readUInt32LE(at + 4) >>> 24) & 0x1f;
  }

  /**
   * Each name is read once, and none may begin inside of another: so all together they take no more than their table, where
   * types that share the parts of one long name would take gigabytes.
   */
  private nameAt(offset: number): string {
    const known = this.names.get(offset);
    if (known !== undefined) return known;
    const end = this.strings.indexOf(0, offset);
    const begins = offset === 0 || this.strings[offset - 1] === 0;
    if (offset >= this.strings.length || end < 0 || end - offset > maxNameBytes || !begins)
      throw new KernelImageError('bad-btf', `no name at ${offset} of the BTF strings`);
    const name = this.strings.toString('latin1', offset, end);
    this.names.set(offset, name);
    return name;
  }
}
