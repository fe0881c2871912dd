import { RelocationType, relocationWidth } from '#libs/elf';
import type { CompiledPart, Field } from './functions.js';
import { isRelative, type RunningPart, type RunningTarget } from './running.js';

/** Is told of each relocated field, and where its counterpart in the running code points. There may be millions: nobody keeps them all. */
export type Observe = (field: Field, target: RunningTarget) => void;

export type CodeComparison =
  | { readonly equal: true }
  | { readonly equal: false; /** From the function's start. */ readonly offset: number; readonly why: string };

const differ = (offset: number, why: string): CodeComparison => ({ equal: false, offset, why });

/**
 * Compares a compiled part with the bytes at a place of the running code. Relocated fields aren't compared but read:
 * what they point to must make sense for all parts of the object together.
 */
export function compareCode(
  { code, fields }: CompiledPart,
  running: RunningPart,
  place: bigint,
  observe: Observe,
): CodeComparison {
  let next = 0;
  let field = fields.at(0);
  // The two walk in step until a jump that is short in one and long in the other.
  let shift = 0;
  for (let at = 0; at < code.length;) {
    if (field && field.offset === at) {
      const width = relocationWidth(field.type);
      if (width === undefined) return differ(at, `relocation type ${field.type}`);
      const target = running.target(at + shift, field.type, field.addend);
      if (!target) return differ(at, 'a relocated field without counterpart');
      observe(field, target);
      field = fields.at(++next);
      at += width;
      continue;
    }
    const end = Math.min(field?.offset ?? code.length, code.length);
    const bytes = running.bytes(at + shift, end - at);
    // A short jump at the very end leaves fewer bytes there than here.
    const there = bytes ?? running.bytes(at + shift, 1);
    if (!there) return differ(at, 'the image has no bytes here');
    let same = 0;
    while (same < there.length && code[at + same] === there[same]) same += 1;
    if (same === end - at) {
      at = end;
      continue;
    }
    const jump = field && shortJump(code, at + same, there[same] ?? 0, field);
    if (!field || !jump) return differ(at + same, `compiled ${hex(code, at + same)}, shipped ${hex(there, same)}`);
    const distanceAt = at + same + shift + 1;
    const distance = running.bytes(distanceAt, 1)?.[0];
    if (distance === undefined) return differ(at + same, 'the image has no bytes here');
    // S = target of the short jump − (A + 4): the long form's addend counts from the end of its 4-byte field.
    const from = place + BigInt(distanceAt + 1) + BigInt.asIntN(8, BigInt(distance));
    observe(field, { at: from - BigInt(field.addend + 4) });
    field = fields.at(++next);
    at += same + jump.here;
    shift += jump.there - jump.here;
  }
  return { equal: true };
}

/**
 * Says whether a long jump to a relocated place stands here and its short form there. The assembler shortens `jmp x`
 * where x lies in the same section, which it does in the vendor's object but not with a section for each function.
 */
function shortJump(
  code: Uint8Array,
  at: number,
  there: number,
  field: Field,
): { here: number; there: number } | undefined {
  if (!isRelative(field.type) || field.type === RelocationType.PC64) return undefined;
  if (code[at] === 0xe9 && there === 0xeb && field.offset === at + 1) return { here: 5, there: 2 };
  const second = code[at + 1] ?? 0;
  const isConditional = code[at] === 0x0f && (second & 0xf0) === 0x80 && there === 0x70 + (second & 0x0f);
  return isConditional && field.offset === at + 2 ? { here: 6, there: 2 } : undefined;
}

function hex(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, at + 4)).toString('hex');
}
