import type { SpecialFormat } from './formats.js';

/** How large a section's entries are and how many, or what is wrong with it. */
export type Measured = { readonly entrySizeBytes: number; readonly count: number } | { readonly problem: string };

const maxEntrySizeBytes = 256;

/**
 * Measures the entries of a special section by where its relocations stand: each entry has one to its code at its start,
 * and the others where its form has them. Where a relocation follows on another without a gap, only what they are to tells
 * the first of an entry from the others: `isCode` says it of the one with that index. `known` is the size that the kernel's
 * BTF says, which must agree.
 */
export function measureEntries(
  format: SpecialFormat,
  sectionSizeBytes: number,
  offsets: Float64Array,
  isCode: (index: number) => boolean,
  known: number | undefined,
): Measured {
  if (sectionSizeBytes === 0) return { entrySizeBytes: known ?? 1, count: 0 };
  if (offsets[0] !== 0) return { problem: 'no relocation to code at its start' };
  const fitting = candidates(format, sectionSizeBytes, offsets).find((size) =>
    format.forms.some((patterns) => fits(size, patterns, format, sectionSizeBytes, offsets, isCode)),
  );
  if (fitting === undefined)
    return { problem: `${sectionSizeBytes} bytes with ${offsets.length} relocations are no entries of any known form` };
  if (known !== undefined && known !== fitting)
    return { problem: `its entries have ${fitting} bytes, but the kernel's struct ${format.struct} has ${known}` };
  return { entrySizeBytes: fitting, count: Math.ceil(sectionSizeBytes / fitting) };
}

/** Each distance from the first relocation to one of the next few, and all there is as one entry. */
function candidates(format: SpecialFormat, sizeBytes: number, offsets: Float64Array): number[] {
  const whole = format.shortTail === true ? Math.ceil(sizeBytes / format.align) * format.align : sizeBytes;
  return [...offsets.slice(1, 5), whole].filter((size) => size > 0 && size <= maxEntrySizeBytes);
}

function fits(
  size: number,
  patterns: readonly (readonly number[])[],
  format: SpecialFormat,
  sizeBytes: number,
  offsets: Float64Array,
  isCode: (index: number) => boolean,
): boolean {
  if (sizeBytes % size !== 0 && format.shortTail !== true) return false;
  let next = 0;
  for (let start = 0; start < sizeBytes; start += size) {
    let end = next;
    while ((offsets[end] ?? Infinity) < start + size) end++;
    const matches = patterns.some(
      (pattern) => pattern.length === end - next && pattern.every((at, index) => offsets[next + index] === start + at),
    );
    if (!matches || !isCode(next)) return false;
    next = end;
  }
  return next === offsets.length;
}
