import type { Reason } from '#libs/contracts';
import { sectionNamed, readElf } from '#libs/elf';
import { Btf, type BtfStruct } from '#libs/kernelimage';

/**
 * Structures whose layout the fix changes. Objects of them are alive in the running kernel, made by code that isn't
 * replaced: new code would read and write past or beside them. That shows in no function's bytes, so it is asked of the types.
 */
export function changedLayouts(objectFile: string, original: Uint8Array, patched: Uint8Array): readonly Reason[] {
  const before = btfOf(original);
  const after = btfOf(patched);
  if (!before || !after)
    return [{ code: 'no-types', reason: 'the compiler gave no types to compare', object: objectFile }];
  const reasons: Reason[] = [];
  for (const name of before.structNames()) {
    const old = before.struct(name);
    const now = after.struct(name);
    if (!old || !now) continue;
    const difference = differenceOf(layoutOf(before, old), layoutOf(after, now));
    if (difference === undefined) continue;
    reasons.push({
      code: 'layout-changed',
      symbol: `${old.kind} ${name}`,
      object: objectFile,
      reason: difference,
      advice: 'keep the new data beside the structure instead (a shadow variable), or reboot for this fix',
    });
  }
  return reasons;
}

function btfOf(object: Uint8Array): Btf | undefined {
  const section = sectionNamed(readElf(object), '.BTF');
  return section && Btf.parse(Buffer.from(section.data.buffer, section.data.byteOffset, section.data.length));
}

interface Layout {
  readonly sizeBytes: number;
  readonly members: ReadonlyMap<string, string>;
}

/** Members by name, those of anonymous members included, each with place and width. */
function layoutOf(btf: Btf, struct: BtfStruct, base = 0, depth = 0, into = new Map<string, string>()): Layout {
  for (const [i, member] of struct.members.entries()) {
    const offset = base + member.offsetBits;
    const inner = member.name === '' && depth < 16 ? btf.structById(member.typeId) : undefined;
    if (inner) layoutOf(btf, inner, offset, depth + 1, into);
    else into.set(member.name || `#${depth}.${i}`, `${offset}:${member.widthBits}`);
  }
  return { sizeBytes: struct.sizeBytes, members: into };
}

function differenceOf(before: Layout, after: Layout): string | undefined {
  if (before.sizeBytes !== after.sizeBytes)
    return `its size changes from ${before.sizeBytes} to ${after.sizeBytes} bytes`;
  for (const [name, place] of before.members) {
    const now = after.members.get(name);
    if (now === undefined) return `its member ${name} goes away`;
    if (now !== place) return `its member ${name} moves`;
  }
  for (const name of after.members.keys()) if (!before.members.has(name)) return `it gets a member ${name}`;
  return undefined;
}
