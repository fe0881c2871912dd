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
  const opcode = byte(2);
  const biases = new Set<number>();
  if (byte(3) === 0x0f && hasModrmWhenEscaped(opcode)) biases.add(immediateWhenEscaped(opcode) ? 5 : 4);
  if (byte(4) === 0x0f && byte(3) === 0x38) biases.add(4);
  if (byte(4) === 0x0f && byte(3) === 0x3a) biases.add(5);
  const mayBeShort = hasOperandSizePrefix(code, field - 3);
  if (hasModrm(opcode)) for (const size of immediateSizes(opcode, (modrm >> 3) & 7, mayBeShort)) biases.add(4 + size);
  return biases.size === 0 ? [4] : [...biases];
}

/** A 0x66 among the prefixes that may end at `last`, which makes a 4-byte immediate one of 2 unless REX.W undoes it. */
function hasOperandSizePrefix(code: Uint8Array, last: number): boolean {
  const prefixes = new Set([0x2e, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3]);
  let at = last;
  const rex = code[at] ?? 0;
  if ((rex & 0xf0) === 0x40) {
    if ((rex & 0x08) !== 0) return false;
    at--;
  }
  for (; at > last - 5; at--) {
    const byte = code[at] ?? 0;
    if (byte === 0x66) return true;
    if (!prefixes.has(byte)) return false;
  }
  return false;
}

function hasModrm(opcode: number): boolean {
  if (opcode < 0x40) return (opcode & 7) < 4;
  if (opcode >= 0x80 && opcode <= 0x8f) return true;
  if ((opcode >= 0xd0 && opcode <= 0xd3) || (opcode >= 0xd8 && opcode <= 0xdf)) return true;
  return [0x63, 0x69, 0x6b, 0xc0, 0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff].includes(opcode);
}

/** Sizes that the immediate of a one-byte opcode may have. */
function immediateSizes(opcode: number, group: number, mayBeShort: boolean): readonly number[] {
  const word = mayBeShort ? [4, 2] : [4];
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
      return word;
    case 0xf6:
      return group < 2 ? [1] : [0];
    case 0xf7:
      return group < 2 ? word : [0];
    default:
      return [0];
  }
}

/** 0f 80 … 0f 8f are jumps, without ModRM; so are the few system instructions at the start of the map. */
function hasModrmWhenEscaped(opcode: number): boolean {
  return !(opcode >= 0x80 && opcode <= 0x8f) && !(opcode >= 0x30 && opcode <= 0x3f) && !(opcode >= 4 && opcode <= 11);
}

function immediateWhenEscaped(opcode: number): boolean {
  return [0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6].includes(opcode) || (opcode >= 0x70 && opcode <= 0x73);
}
