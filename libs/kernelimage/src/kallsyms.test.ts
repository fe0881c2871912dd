import { decodeKallsyms, formatKallsyms, type KallsymsEntry, parseKallsyms } from './kallsyms.js';

const text = 0xffffffff81000000n;

interface Shape {
  readonly seqs: boolean;
  /** Breaks the table somewhere, to prove that it is then not taken. */
  readonly spoil?: 'marker' | 'index' | 'name';
}

function padded(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => [part, Buffer.alloc((8 - (part.length % 8)) % 8)]));
}

/** A symbol table as scripts/kallsyms writes it, packed with one token of two letters. */
function tableOf(symbols: readonly KallsymsEntry[], { seqs, spoil }: Shape): Buffer {
  const tokens = Array.from({ length: 256 }, (_, i) =>
    i === 200 ? 'sy' : i > 32 && i < 127 ? String.fromCharCode(i) : '?',
  );
  const names: Buffer[] = [];
  const starts: number[] = [];
  let at = 0;
  for (const { type, name } of symbols) {
    const codes = [...Buffer.from(`${type}${name}`.replaceAll('sy', '\u00c8'), 'latin1')];
    const length = codes.length < 0x80 ? [codes.length] : [(codes.length & 0x7f) | 0x80, codes.length >> 7];
    const bytes = Buffer.from([...length, ...codes]);
    starts.push(at);
    names.push(bytes);
    at += bytes.length;
  }
  const offsets = Buffer.alloc(symbols.length * 4);
  for (const [i, { address }] of symbols.entries()) {
    offsets.writeInt32LE(address < text ? Number(address) : Number(text - 1n - address), i * 4);
  }
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(text);
  head.writeUInt32LE(symbols.length, 8);
  const markers = Buffer.alloc(Math.ceil(symbols.length / 256) * 4);
  for (let i = 0; i < markers.length / 4; i += 1) markers.writeUInt32LE(starts[i * 256] ?? 0, i * 4);
  const index = Buffer.alloc(512);
  let offset = 0;
  for (const [i, token] of tokens.entries()) {
    index.writeUInt16LE(offset, i * 2);
    offset += token.length + 1;
  }
  if (spoil === 'marker') markers.writeUInt32LE(7, markers.length - 4);
  if (spoil === 'index') index.writeUInt16LE(9, 6);
  const packed = Buffer.concat(names);
  if (spoil === 'name') packed[0] = 0;
  const tokenTable = Buffer.from(tokens.map((token) => `${token}\0`).join(''), 'latin1');
  const parts = [Buffer.from('other data'), offsets, head, packed, markers];
  return padded([...parts, ...(seqs ? [Buffer.alloc(symbols.length * 3, 1)] : []), tokenTable, index]);
}

const symbols: readonly KallsymsEntry[] = [
  { address: 0x1f000n, type: 'A', name: 'cpu_number' },
  { address: text, type: 'T', name: '_text' },
  ...Array.from({ length: 600 }, (_, i) => ({
    address: text + BigInt(i * 16),
    type: i % 2 === 0 ? 't' : 'T',
    name: `do_sys_${i}`,
  })),
  { address: text + 0x2000000n, type: 't', name: `__sy${'x'.repeat(300)}` },
];

describe('decodeKallsyms', () => {
  test.each([true, false])('reads a table, seqs_of_names there: %s', (seqs) => {
    expect(decodeKallsyms(tableOf(symbols, { seqs }), text)).toEqual(symbols);
  });

  test('passes over the base address where no table is', () => {
    const decoy = Buffer.alloc(64);
    decoy.writeBigUInt64LE(text, 8);
    decoy.writeUInt32LE(3, 16);
    const rodata = Buffer.concat([decoy, tableOf(symbols, { seqs: true })]);
    expect(decodeKallsyms(rodata, text)).toHaveLength(symbols.length);
  });

  test.each(['marker', 'index', 'name'] as const)('does not take a table whose %s is wrong', (spoil) => {
    expect(() => decodeKallsyms(tableOf(symbols, { seqs: true, spoil }), text)).toThrow(
      expect.objectContaining({ code: 'kallsyms-not-found' }),
    );
  });

  test('ends on a table that is cut off anywhere', () => {
    const whole = tableOf(symbols, { seqs: true });
    for (let length = 0; length < whole.length - 8; length += 97) {
      expect(() => decodeKallsyms(whole.subarray(0, length), text)).toThrow(
        expect.objectContaining({ code: 'kallsyms-not-found' }),
      );
    }
  });
});

test('what formatKallsyms writes, parseKallsyms reads', () => {
  expect(parseKallsyms(formatKallsyms(symbols))).toEqual(symbols);
  expect(() => parseKallsyms('garbage\n')).toThrow(expect.objectContaining({ code: 'bad-profile' }));
});
