import { type ElfFile, readElf, relocationsBySection, SectionFlag, SymbolType } from '#libs/elf';
import type { KernelProfile } from '#libs/kernelimage';
import type { BuiltObject } from '../outcome.js';

/** Names of the functions that an object defines. */
export function functionNames(object: Uint8Array): readonly string[] {
  const defined = readElf(object).symbols.filter(
    ({ type, sectionIndex }) => type === SymbolType.FUNC && sectionIndex !== 0,
  );
  return defined.map(({ name }) => name);
}

/** Who in the running kernel calls or jumps to a function of that object, by name; a caller without a name is told by its place. */
export function callersInKernel(profile: KernelProfile, { owner }: BuiltObject, name: string): ReadonlySet<string> {
  if (owner === 'vmlinux') return callersInVmlinux(profile, name);
  const module = profile.module(owner);
  return module ? callersInModule(module, name) : new Set();
}

function callersInVmlinux(profile: KernelProfile, name: string): ReadonlySet<string> {
  const callers = new Set<string>();
  for (const { address } of profile.symbols(name)) {
    const section = profile.image().sectionAt(address);
    if (section === undefined) continue;
    const target = Number(address - section.address);
    for (const at of branchesTo(section.data, target)) callers.add(functionAt(profile, section.address + BigInt(at)));
  }
  return callers;
}

/** Where `call`, `jmp` or `jcc` with a 4-byte distance leads to that offset. Bytes that only look so do no harm but a refusal. */
function branchesTo(code: Uint8Array, target: number): readonly number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const found: number[] = [];
  for (let field = 1; field + 4 <= code.length; field++) {
    const opcode = code[field - 1] ?? 0;
    const isBranch = opcode === 0xe8 || opcode === 0xe9 || ((opcode & 0xf0) === 0x80 && code[field - 2] === 0x0f);
    if (isBranch && field + 4 + view.getInt32(field, true) === target) found.push(field);
  }
  return found;
}

function functionAt(profile: KernelProfile, address: bigint): string {
  const symbols = profile.symbolsByAddress();
  let [low, high] = [0, symbols.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((symbols[middle]?.address ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  return symbols[low - 1]?.name ?? `0x${address.toString(16)}`;
}

function isCode({ flags }: { readonly flags: number }): boolean {
  return (flags & SectionFlag.EXECINSTR) !== 0;
}

function callersInModule(module: ElfFile, name: string): ReadonlySet<string> {
  const callers = new Set<string>();
  for (const [section, relocations] of relocationsBySection(module, isCode))
    for (const { symbol, offset } of relocations) {
      if (symbol.name !== name) continue;
      const user = module.symbols.find(
        (one) =>
          one.type === SymbolType.FUNC &&
          one.sectionIndex === section &&
          offset >= Number(one.value) &&
          offset < Number(one.value) + one.sizeBytes,
      );
      callers.add(user?.name ?? `${module.sections[section]?.name}+${offset}`);
    }
  return callers;
}
