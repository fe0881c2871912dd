import type { Field } from './damage.js';

const field = (at: number, width: Field['width']): Field => ({ at, width });
const maxFields = 20_000;

/** Of an ELF64 file: header, section headers, and the entries of symbol, relocation and note sections. */
export function elfFields(bytes: Buffer): readonly Field[] {
  const fields = [16, 18, 52, 54, 56, 58, 60, 62].map((at) => field(at, 2));
  for (const at of [20, 48]) fields.push(field(at, 4));
  for (const at of [24, 32, 40]) fields.push(field(at, 8));
  if (bytes.length < 64) return fields;
  const table = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  for (let index = 0; index < count && table + 64 * (index + 1) <= bytes.length; index += 1) {
    const base = table + 64 * index;
    for (const at of [0, 4, 40, 44]) fields.push(field(base + at, 4));
    for (const at of [8, 16, 24, 32, 48, 56]) fields.push(field(base + at, 8));
    const [start, size] = [24, 32].map((at) => Number(bytes.readBigUInt64LE(base + at)));
    entryFields(fields, bytes.readUInt32LE(base + 4), start ?? 0, size ?? 0);
  }
  return fields.slice(0, maxFields);
}

function entryFields(fields: Field[], type: number, start: number, sizeBytes: number): void {
  const each = (step: number, add: (base: number) => void): void => {
    for (let at = 0; at + step <= sizeBytes && at < 500 * step; at += step) add(start + at);
  };
  if (type === 2)
    each(24, (base) =>
      fields.push(field(base, 4), field(base + 4, 1), field(base + 6, 2), field(base + 8, 8), field(base + 16, 8)),
    );
  if (type === 4)
    each(24, (base) => fields.push(field(base, 8), field(base + 8, 4), field(base + 12, 4), field(base + 16, 8)));
  if (type === 7) each(12, (base) => fields.push(field(base, 4), field(base + 4, 4), field(base + 8, 4)));
}

/** Of BTF: its header and every word of its types. */
export function btfFields(bytes: Buffer, from = 0): readonly Field[] {
  const fields = Array.from({ length: 6 }, (_, index) => field(from + index * 4, 4));
  const types = bytes.length < from + 16 ? 0 : bytes.readUInt32LE(from + 12);
  for (let at = 0; at < types && at < maxFields * 4; at += 4) fields.push(field(from + 24 + at, 4));
  return fields;
}

/** Of an ar archive: the sizes of its members. */
export function arFields(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 8; at + 60 <= bytes.length;) {
    fields.push({ at: at + 48, width: 1, digits: { radix: 10, length: 10 } });
    const size = Number.parseInt(bytes.toString('latin1', at + 48, at + 58), 10) || 0;
    at += 60 + size + (size % 2);
  }
  return fields;
}

/** Of a tar: mode, size and type of each header. `mendTar` puts the checksums right. */
export function tarFields(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    fields.push({ at: at + 124, width: 1, digits: { radix: 8, length: 12 } });
    fields.push({ at: at + 100, width: 1, digits: { radix: 8, length: 8 } });
    for (const place of [0, 1, 124, 156, 157, 257, 345]) fields.push(field(at + place, 1));
  }
  return fields;
}

/** Makes the checksum of each header right again, so that damage isn't found by it. */
export function mendTar(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    bytes.write('        ', at + 148, 'latin1');
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return bytes;
}

/** Of an x86 boot image: setup sectors, protocol, and where the payload is (Documentation/x86/boot.rst). */
export function bootImageFields(bytes: Buffer): readonly Field[] {
  const fields = [field(0x1f1, 1), field(0x206, 2), field(0x248, 4), field(0x24c, 4)];
  return [...fields, field(bytes.length - 4, 4)];
}

/** Of an RPM: the sizes in its headers, and its tags. */
export function rpmFields(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  for (let at = bytes.indexOf('8eade801', 0, 'hex'); at >= 0; at = bytes.indexOf('8eade801', at + 1, 'hex')) {
    for (let word = 2; word < 40; word += 1) fields.push({ at: at + 4 * word, width: 4, bigEndian: true });
  }
  return fields;
}
