import { readElf, SectionIndex, sectionNamed, SymbolBinding, SymbolType } from '#libs/elf';
import { Btf, type BtfStruct } from '#libs/kernelimage';
import { Shapes } from './shapes.js';

/** What an object's types say, looked through once. Names that are given twice, and so say nothing, are left out. */
export interface ObjectTypes {
  readonly shapes: Shapes;
  /** By `struct name`, `union name`, and `typedef name` for anonymous ones. */
  readonly structs: ReadonlyMap<string, BtfStruct>;
  readonly enumerators: ReadonlyMap<string, bigint>;
  /** Variables by name, each with its type. */
  readonly variables: ReadonlyMap<string, number>;
  /** Functions that other files may call, each with its prototype. */
  readonly functions: ReadonlyMap<string, number>;
}

/** Reads the types that the compiler wrote into an object; undefined if it wrote none. @throws KernelImageError `bad-btf` */
export function typesOf(object: Uint8Array): ObjectTypes | undefined {
  const elf = readElf(object);
  const section = sectionNamed(elf, '.BTF');
  if (section === undefined) return undefined;
  // gcc 12 calls each function static in BTF; the symbol table knows better.
  const callable = elf.symbols.filter(
    ({ type, binding, sectionIndex }) =>
      type === SymbolType.FUNC && binding !== SymbolBinding.LOCAL && sectionIndex !== SectionIndex.UNDEF,
  );
  const btf = Btf.parse(Buffer.from(section.data.buffer, section.data.byteOffset, section.data.length));
  return typesIn(btf, new Set(callable.map(({ name }) => name)));
}

function typesIn(btf: Btf, callable: ReadonlySet<string>): ObjectTypes {
  const structs = new Names<BtfStruct>();
  const enumerators = new Names<bigint>();
  const variables = new Names<number>();
  const functions = new Names<number>();
  for (let id = 1; id <= btf.count; id++) {
    const type = btf.type(id);
    switch (type?.kind) {
      case 'struct':
      case 'union':
        if (type.name !== '') structs.add(`${type.kind} ${type.name}`, type);
        break;
      case 'typedef': {
        const struct = btf.structById(type.typeId);
        if (struct?.name === '') structs.add(`typedef ${type.name}`, struct);
        break;
      }
      case 'enum':
        for (const { name, value } of type.values) enumerators.add(name, value);
        break;
      case 'variable':
        variables.add(type.name, type.typeId);
        break;
      case 'function':
        if (callable.has(type.name)) functions.add(type.name, type.typeId);
        break;
      default:
    }
  }
  return {
    shapes: new Shapes(btf),
    structs: structs.unique(),
    enumerators: enumerators.unique(),
    variables: variables.unique(),
    functions: functions.unique(),
  };
}

class Names<T> {
  private readonly found = new Map<string, T>();
  private readonly twice = new Set<string>();

  add(name: string, what: T): void {
    if (this.found.has(name)) this.twice.add(name);
    else this.found.set(name, what);
  }

  unique(): ReadonlyMap<string, T> {
    for (const name of this.twice) this.found.delete(name);
    return this.found;
  }
}
