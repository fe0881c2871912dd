import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { btfFields, damaged, drawDamages, peakOf, Random } from '#libs/hostile';
import { readDeb } from '#libs/archive';
import { sectionNamed } from '#libs/elf';
import { bytesOfSection, readKernelElf } from './address-space.js';
import { Btf } from './btf.js';
import { unpackVmlinux } from './bzimage.js';
import { KernelImageError } from './errors.js';
import { bannerOf, parseModinfo } from './identity.js';
import { decodeKallsyms, parseKallsyms } from './kallsyms.js';
import { loadProfile } from './profile.js';
import { parseSymvers } from './symvers.js';

const folder = mkdtempSync(join(tmpdir(), 'kernelimage-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'read';
  } catch (error) {
    if (!(error instanceof KernelImageError)) throw error;
    return error.code;
  }
};
const allowance = 2 ** 26;

function readTypes(bytes: Buffer): void {
  const btf = Btf.parse(bytes);
  for (let id = 0; id <= btf.count + 1; id += 1) btf.type(id);
  for (const name of btf.structNames()) for (const one of btf.structsNamed(name)) btf.offsetOf(one, 'none');
}

/** The vendor's kernel, 65 MB, out of the package that the tests' packages have been fetched with. */
async function vendorKernel(): Promise<Buffer> {
  const cache = process.env['SPLICECAST_CACHE'] ?? 'data/cache';
  const name = readdirSync(cache).find((file) => /^linux-image-.*\.deb$/.test(file)) ?? 'no linux-image';
  const { entries } = await readDeb(join(cache, name));
  for await (const entry of entries)
    if (entry.path.startsWith('boot/vmlinuz-')) return await unpackVmlinux(await entry.bytes());
  throw new Error(`${name} has no boot image`);
}

/** Numbers of 32 bits, as BTF has them. */
const words = (...values: readonly number[]): Buffer => Buffer.from(new Uint32Array(values).buffer);

/** BTF of these types and strings. */
function btfOf(types: Buffer, strings: Buffer): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt16LE(0xeb9f);
  [24, 0, types.length, types.length, strings.length].forEach((word, at) => head.writeUInt32LE(word, 4 + 4 * at));
  return Buffer.concat([head, types, strings]);
}

function damagedBtf(sound: Buffer, seed: number): Buffer {
  return damaged(sound, drawDamages(new Random(seed)), btfFields(sound));
}

describe('BTF', () => {
  const source = `enum e { A, B }; struct s { int a; struct { union { long b; char c[4]; }; } in[2]; struct s *p; enum e e; };
    struct t { struct s s; int (*f)(struct s *, enum e); unsigned x : 3, y : 5; } it; float g;`;
  writeFileSync(join(folder, 'a.c'), source);
  execFileSync('gcc-12', ['-gbtf', '-c', '-o', join(folder, 'a.o'), join(folder, 'a.c')]);
  const sound = bytesOfSection(readKernelElf(readFileSync(join(folder, 'a.o')), 'a.o'), '.BTF');

  test('that is damaged is read, or is bad-btf', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => void seen.add(await codeOf(() => readTypes(damagedBtf(sound, seed))))),
      // Which damage is drawn decides what is seen: the same each time. `npm run fuzz` draws anew.
      { numRuns: 1500, seed: 1 },
    );
    expect([...seen].sort()).toEqual(['bad-btf', 'read']);
  });

  test('whose structure contains itself a thousand times over has an end', async () => {
    const members = Array.from({ length: 1000 }, () => words(0, 1, 0));
    const btf = btfOf(Buffer.concat([words(1, (4 << 24) | members.length, 8), ...members]), Buffer.from('\0s\0'));
    expect(await codeOf(() => readTypes(btf))).toBe('read');
  });

  test('of a million types in parts of one long name takes no more memory than it has bytes', async () => {
    const types = Buffer.concat(Array.from({ length: 200_000 }, (_, at) => words(1 + (at % 1000), 4 << 24, 8)));
    const btf = btfOf(types, Buffer.from(`\0${'x'.repeat(1000)}\0`));
    expect(await codeOf(() => readTypes(btf))).toBe('bad-btf');
    expect(await peakOf(() => readTypes(btf))).toBeLessThan(4 * btf.length + allowance);
  });
});

test('a real kernel with damage is read or refused, and takes no more than a few times its tables', async () => {
  const vmlinux = await vendorKernel();
  const elf = readKernelElf(vmlinux, 'vmlinux');
  const [rodata, types] = ['.rodata', '.BTF'].map((name) => bytesOfSection(elf, name)) as [Buffer, Buffer];
  const text = sectionNamed(elf, '.text')?.address ?? 0n;
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const random = new Random(seed);
      outcomes.add(await codeOf(() => decodeKallsyms(damaged(rodata, drawDamages(random, 2)), text)));
      outcomes.add(await codeOf(() => Btf.parse(damaged(types, drawDamages(random, 2), btfFields(types)))));
    }),
    { numRuns: 5 },
  );
  for (const code of outcomes) expect(['read', 'kallsyms-not-found', 'bad-btf']).toContain(code);
  expect(await peakOf(() => decodeKallsyms(rodata, text))).toBeLessThan(4 * rodata.length + allowance);
});

test('read-only data full of what looks like a symbol table is given up on', async () => {
  const text = 0xffffffff81000000n;
  const bytes = Buffer.alloc(8 * 2 ** 20);
  for (let at = 0; at < bytes.length; at += 16) {
    bytes.writeBigUInt64LE(text, at);
    bytes.writeUInt32LE(bytes.length / 16 - 1, at + 8);
  }
  const start = performance.now();
  expect(await codeOf(() => decodeKallsyms(bytes, text))).toBe('kallsyms-not-found');
  expect(await codeOf(() => bannerOf(Buffer.from('Linux version 1 (x) ((((('.repeat(200_000))))).toBe('bad-vmlinux');
  expect(performance.now() - start).toBeLessThan(5000);
});

test('a boot image that unpacks to a thousand times its size is a bomb', async () => {
  const payload = execFileSync('xz', ['-c'], { input: Buffer.alloc(2 ** 26), maxBuffer: 2 ** 26 });
  const head = Buffer.alloc(1024 + 16);
  head.writeUInt8(1, 0x1f1);
  head.write('HdrS', 0x202);
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(16, 0x248);
  head.writeUInt32LE(payload.length + 4, 0x24c);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(2 ** 26);
  const image = Buffer.concat([head, payload, size]);
  expect(await codeOf(async () => await unpackVmlinux(image))).toBe('bad-image');
  expect(await peakOf(async () => await unpackVmlinux(image))).toBeLessThan(2 ** 25);
});

test('tables of text are refused by line, whatever is in them', async () => {
  expect(await codeOf(() => parseKallsyms('zzzzzzzzzzzzzzzz T name\n'))).toBe('bad-profile');
  expect(await codeOf(() => parseKallsyms(`${'0'.repeat(16)} T ${'x'.repeat(5000)}\n`))).toBe('bad-profile');
  expect(await codeOf(() => parseSymvers('0x1\tname\n'))).toBe('bad-symvers');
  expect(await codeOf(() => parseModinfo(Buffer.alloc(2 ** 21)))).toBe('bad-module');
});

describe('a profile', () => {
  const at = join(folder, 'profile');
  mkdirSync(join(at, 'modules'), { recursive: true });
  const data = {
    schema: 1,
    arch: 'x86_64',
    release: '9.8.7',
    version: '9.8.7-1',
    buildId: '0123456789abcdef',
    vermagic: '9.8.7 ',
    banner: 'Linux',
    compiler: 'gcc-12',
    counts: { symbols: 1, exports: 1, btfTypes: 1, modules: 1 },
    packages: [],
    kbuild: {},
  };
  const write = (modules: Record<string, string>): void => {
    writeFileSync(join(at, 'profile.json'), JSON.stringify({ ...data, modules }));
    writeFileSync(join(at, 'kallsyms'), `${'0'.repeat(16)} T f\n`);
    writeFileSync(join(at, 'Module.symvers'), '0x1\tf\tvmlinux\tEXPORT_SYMBOL\t\n');
    const btf = Buffer.alloc(24);
    btf.writeUInt16LE(0xeb9f);
    writeFileSync(join(at, 'btf'), btf);
  };

  test.each(['../../../etc/passwd', '/etc/passwd', 'a/../../b.ko', '..'])(
    'with a module at %s is none',
    async (path) => {
      write({ evil: path });
      expect(await codeOf(async () => await loadProfile(at))).toBe('bad-profile');
    },
  );

  test('whose module or image is gone says so', async () => {
    write({ gone: 'kernel/gone.ko' });
    const profile = await loadProfile(at);
    expect(await codeOf(() => profile.module('gone'))).toBe('bad-profile');
    expect(await codeOf(() => profile.image())).toBe('bad-profile');
    expect(existsSync(join(at, 'vmlinux'))).toBe(false);
  });

  test('with a file of gigabytes is refused before it is read', async () => {
    write({});
    truncateSync(join(at, 'kallsyms'), 3 * 2 ** 30);
    expect(await codeOf(async () => await loadProfile(at))).toBe('bad-profile');
  });
});
