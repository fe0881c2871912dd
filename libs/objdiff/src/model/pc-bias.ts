/**
 * How far behind a 4-byte PC-relative field its instruction ends: 4, plus an immediate if one follows. The addend has that
 * distance in it, so without it `cmpb $0, flag(%rip)` (addend -5) would seem to be about the variable before `flag`.
 * Intel SDM volume 2, appendix A. All readings that the bytes before the field allow are given: where a preceding 0x0f is
 * either an escape or the end of another instruction, the caller must see whether the difference matters.
 */
export function pcBiases(code: Uint8Array, field: number): readonly number[] {
  const byte = (back: number) => code[field - back] ?? 0;
  const modrm = byte(1);
  const ripRelative = (modrm & 0xc7) === 0x05;
  if (!ripRelative) return [4];
  const biases = new Set<number>();
  const group = (modrm >> 3) & 7;
  const escaped = byte(3) === 0x0f || (byte(4) === 0x0f && (byte(3) === 0x38 || byte(3) === 0x3a));
  if (byte(4) === 0x0f && byte(3) === 0x3a) biases.add(5);
  if (escaped) biases.add(4 + (immediateOfEscaped(byte(2)) ? 1 : 0));
  for (const size of immediateSizes(byte(2), group)) biases.add(4 + size);
  return [...biases];
}

/** Sizes that the immediate of a one-byte opcode may have; 2 only with an operand size prefix. */
function immediateSizes(opcode: number, group: number): readonly number[] {
  switch (opcode) {
    case 0x80:
    case 0x82:
    case 0x83:
    case 0xc0:
    case 0xc1:
    case 0x6b:
    case 0xc6:
      return [1];
    case 0x81:
    case 0x69:
    case 0xc7:
      return [4, 2];
    case 0xf6:
      return group < 2 ? [1] : [0];
    case 0xf7:
      return group < 2 ? [4, 2] : [0];
    default:
      return [0];
  }
}

function immediateOfEscaped(opcode: number): boolean {
  return [0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6].includes(opcode) || (opcode >= 0x70 && opcode <= 0x73);
}
