import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOfSection, readKernelElf } from './address-space.js';
import { Btf } from './btf.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-btf-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** BTF of a C file, by the compiler that the kernel is built with. */
function btfOf(source: string): Buffer {
  writeFileSync(join(folder, 'a.c'), source);
  execFileSync('gcc-12', ['-gbtf', '-c', '-o', join(folder, 'a.o'), join(folder, 'a.c')]);
  return Buffer.from(bytesOfSection(readKernelElf(readFileSync(join(folder, 'a.o')), 'a.o'), '.BTF'));
}

const source = `
enum colour { RED, GREEN };
struct point { int x; union { long wide; struct { short low, high; }; }; enum colour colour; };
struct bits { unsigned a : 3, b : 5; char tail; };
struct point p; struct bits b; int (*f)(struct point *, int);
float g; int list[7];`;

describe('Btf', () => {
  const bytes = btfOf(source);
  const btf = Btf.parse(bytes);

  test('gives sizes and offsets, through anonymous members too', () => {
    const point = btf.struct('point');
    expect(point?.sizeBytes).toBe(24);
    expect(point && ['x', 'wide', 'low', 'high', 'colour', 'none'].map((name) => btf.offsetOf(point, name))).toEqual([
      0,
      8,
      8,
      10,
      16,
      undefined,
    ]);
    expect(btf.struct('nothing')).toBeUndefined();
    expect([...btf.structNames()].sort()).toEqual(['bits', 'point']);
  });

  test('tells bit fields by their width', () => {
    const members = btf.struct('bits')?.members.map(({ name, offsetBits, widthBits }) => [name, offsetBits, widthBits]);
    expect(members).toEqual([
      ['a', 0, 3],
      ['b', 3, 5],
      ['tail', 8, 0],
    ]);
  });

  test('refuses what is cut off or no BTF', () => {
    for (let length = 0; length < bytes.length; length += 13) {
      expect(() => Btf.parse(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'bad-btf' }));
    }
    expect(() => Btf.parse(Buffer.alloc(100))).toThrow(expect.objectContaining({ code: 'bad-btf' }));
  });
});
