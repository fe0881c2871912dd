import type { Random } from './random.js';

/** A number in a format's header: changed as a whole, it gets further than a changed byte does. */
export interface Field {
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly bigEndian?: boolean;
  /** Decimal or octal digits, filled with spaces, instead of a binary number. */
  readonly digits?: { readonly radix: 8 | 10; readonly length: number };
}

/** One change. Places are any 32-bit numbers, taken modulo what there is, so that one fits every input. */
export type Damage =
  | { readonly kind: 'byte'; readonly at: number; readonly value: number }
  | { readonly kind: 'field'; readonly at: number; readonly value: number }
  /** A field gets another one's value: sections that lie upon each other, links to themselves. */
  | { readonly kind: 'copy-field'; readonly at: number; readonly from: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: 'fill'; readonly at: number; readonly length: number; readonly value: number }
  /** The rest comes from another input. */
  | { readonly kind: 'splice'; readonly at: number };

export const damageKinds = ['byte', 'field', 'copy-field', 'truncate', 'cut', 'repeat', 'fill', 'splice'] as const;

/** Where the arithmetic of readers breaks: bounds of 8, 16, 31, 32, 53 and 64 bits. */
const limits: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0xff00n,
  0xffffn,
  0x10000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_fff8n,
  0xffff_ffff_ffff_ffffn,
];
const maxRepeatedBytes = 64 * 1024;

/** Draws a few changes, most of them small: what is damaged too much is refused at its first byte. */
export function drawDamages(random: Random, most = 6): readonly Damage[] {
  return Array.from({ length: 1 + random.below(most) }, () => drawDamage(random));
}

function drawDamage(random: Random): Damage {
  const kind = random.pick([...damageKinds, 'field', 'field', 'field', 'copy-field', 'byte', 'byte'] as const);
  const at = random.word();
  switch (kind) {
    case 'byte':
    case 'field':
      return { kind, at, value: random.word() };
    case 'copy-field':
      return { kind, at, from: random.word() };
    case 'cut':
      return { kind, at, length: random.word() };
    case 'repeat':
      return { kind, at, length: random.word(), times: random.word() };
    case 'fill':
      return { kind, at, length: random.word(), value: random.word() };
    default:
      return { kind, at };
  }
}

/** Does the damage, one change upon the other. The input stays as it is. */
export function damaged(
  bytes: Uint8Array,
  damages: readonly Damage[],
  fields: readonly Field[] = [],
  other: Uint8Array = bytes,
): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (const damage of damages) result = apply(result, damage, fields, other);
  return result;
}

function apply(bytes: Buffer, damage: Damage, fields: readonly Field[], other: Uint8Array): Buffer {
  if (bytes.length === 0) return bytes;
  const at = damage.at % bytes.length;
  switch (damage.kind) {
    case 'byte':
      bytes[at] = damage.value;
      return bytes;
    case 'field': {
      const field = fields[damage.at % Math.max(fields.length, 1)];
      if (field) write(bytes, field, valueFor(bytes, field, damage.value));
      return bytes;
    }
    case 'copy-field': {
      const [to, from] = [damage.at, damage.from].map((place) => fields[place % Math.max(fields.length, 1)]);
      if (to && from) write(bytes, to, read(bytes, from));
      return bytes;
    }
    case 'truncate':
      return bytes.subarray(0, at);
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (damage.length % 4096))]);
    case 'repeat': {
      const part = bytes.subarray(at, at + 1 + (damage.length % 512));
      const times = Math.min(1 + (damage.times % 1024), Math.ceil(maxRepeatedBytes / part.length));
      const copies = Array.from({ length: times }, () => part);
      return Buffer.concat([bytes.subarray(0, at), ...copies, bytes.subarray(at)]);
    }
    case 'fill':
      bytes.subarray(at, at + 1 + (damage.length % 4096)).fill(damage.value & 0xff);
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(Math.min(at, other.length))]);
  }
}

/** A value at some bound, beside the field's own value, or of the file's size. */
function valueFor(bytes: Buffer, field: Field, choice: number): bigint {
  const own = read(bytes, field);
  const size = BigInt(bytes.length);
  const values = [
    ...limits,
    own + 1n,
    own - 1n,
    own * 2n,
    own + 64n,
    size,
    size - 1n,
    size - own,
    size + 1n,
    size / 24n,
  ];
  return values[choice % values.length] ?? 0n;
}

function read(bytes: Buffer, { at, width, bigEndian, digits }: Field): bigint {
  if (digits) {
    const text = bytes.toString('latin1', at, at + digits.length).replaceAll(/[\0 ]/g, '');
    return BigInt(Number.parseInt(text, digits.radix) || 0);
  }
  if (at + width > bytes.length) return 0n;
  const part = Buffer.from(bytes.subarray(at, at + width));
  if (bigEndian !== true) part.reverse();
  return BigInt(`0x${part.toString('hex')}`);
}

function write(bytes: Buffer, { at, width, bigEndian, digits }: Field, value: bigint): void {
  if (digits) {
    if (at + digits.length > bytes.length) return;
    bytes.write(value.toString(digits.radix).slice(-digits.length).padEnd(digits.length), at, 'latin1');
    return;
  }
  if (at + width > bytes.length) return;
  const hex = BigInt.asUintN(width * 8, value)
    .toString(16)
    .padStart(width * 2, '0');
  const part = Buffer.from(hex, 'hex');
  if (bigEndian !== true) part.reverse();
  part.copy(bytes, at);
}
