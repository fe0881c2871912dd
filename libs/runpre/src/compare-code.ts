import { type ElfRelocation, RelocationType, relocationWidth } from '#libs/elf';
import type { CompiledPart } from './functions.js';
import { isRelative, type RunningCode, type RunningTarget } from './running.js';

/** A relocated field, and where its counterpart in the running code points. */
export interface Observation {
  readonly relocation: ElfRelocation;
  readonly target: RunningTarget;
}

export type CodeComparison =
  | { readonly equal: true; readonly observations: readonly Observation[] }
  | { readonly equal: false; /** From the function's start. */ readonly offset: number; readonly why: string };

const differ = (offset: number, why: string): CodeComparison => ({ equal: false, offset, why });

/**
 * Compares a compiled part with the bytes at a place of the running code. Relocated fields aren't compared but read:
 * what they point to must make sense for all parts of the object together.
 */
export function compareCode(compiled: CompiledPart, running: RunningCode, place: bigint): CodeComparison {
  const { code, relocations } = compiled;
  const observations: Observation[] = [];
  let next = 0;
  // The two walk in step until a jump that is short in one and long in the other.
  let shift = 0;
  for (let at = 0; at < code.length;) {
    const relocation = relocations[next];
    if (relocation && relocation.offset === at) {
      const width = relocationWidth(relocation.type);
      if (width === undefined) return differ(at, `relocation type ${relocation.type}`);
      const target = running.target(place + BigInt(at + shift), relocation.type, relocation.addend);
      if (!target) return differ(at, 'a relocated field without counterpart');
      observations.push({ relocation, target });
      next += 1;
      at += width;
      continue;
    }
    const end = Math.min(relocation?.offset ?? code.length, code.length);
    const bytes = running.bytes(place + BigInt(at + shift), end - at);
    // A short jump at the very end leaves fewer bytes there than here.
    const there = bytes ?? running.bytes(place + BigInt(at + shift), 1);
    if (!there) return differ(at, 'the image has no bytes here');
    let same = 0;
    while (same < there.length && code[at + same] === there[same]) same += 1;
    if (same === end - at) {
      at = end;
      continue;
    }
    const jump = relocation && shortJump(code, at + same, there[same] ?? 0, relocation);
    if (!jump) return differ(at + same, `compiled ${hex(code, at + same)}, shipped ${hex(there, same)}`);
    const field = place + BigInt(at + same + shift + 1);
    const distance = running.bytes(field, 1)?.[0];
    if (distance === undefined) return differ(at + same, 'the image has no bytes here');
    // S = target of the short jump − (A + 4): the long form's addend counts from the end of its 4-byte field.
    const to = field + 1n + BigInt.asIntN(8, BigInt(distance)) - BigInt(relocation.addend + 4);
    observations.push({ relocation, target: { at: to } });
    next += 1;
    at += same + jump.here;
    shift += jump.there - jump.here;
  }
  return { equal: true, observations };
}

/**
 * Says whether a long jump to a relocated place stands here and its short form there. The assembler shortens `jmp x`
 * where x lies in the same section, which it does in the vendor's object but not with a section for each function.
 */
function shortJump(
  code: Uint8Array,
  at: number,
  there: number,
  relocation: ElfRelocation,
): { here: number; there: number } | undefined {
  if (!isRelative(relocation.type) || relocation.type === RelocationType.PC64) return undefined;
  if (code[at] === 0xe9 && there === 0xeb && relocation.offset === at + 1) return { here: 5, there: 2 };
  const second = code[at + 1] ?? 0;
  const isConditional = code[at] === 0x0f && (second & 0xf0) === 0x80 && there === 0x70 + (second & 0x0f);
  return isConditional && relocation.offset === at + 2 ? { here: 6, there: 2 } : undefined;
}

function hex(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, at + 4)).toString('hex');
}
