import { execFileSync } from 'node:child_process';
import { payloadOf, unpackVmlinux } from './bzimage.js';

const vmlinux = Buffer.from('\u007fELF and then a kernel'.repeat(500));

/** A boot image with one setup sector. */
function imageOf(packed: Buffer, sizeBytes = vmlinux.length): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(sizeBytes);
  const payload = Buffer.concat([packed, size]);
  const head = Buffer.alloc(1024 + 16);
  head.writeUInt8(1, 0x1f1);
  head.write('HdrS', 0x202);
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(16, 0x248);
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, payload]);
}
const pack = (program: string): Buffer => execFileSync(program, ['-c'], { input: vmlinux });
const badImage = expect.objectContaining({ code: 'bad-image' });

test.each(['xz', 'gzip'])('unpacks a kernel packed by %s', async (program) => {
  expect((await unpackVmlinux(imageOf(pack(program)))).equals(vmlinux)).toBe(true);
});

test('refuses another size than the image says, and more than it says', async () => {
  await expect(unpackVmlinux(imageOf(pack('xz'), vmlinux.length + 1))).rejects.toEqual(badImage);
  await expect(unpackVmlinux(imageOf(pack('xz'), 10))).rejects.toEqual(badImage);
  await expect(unpackVmlinux(imageOf(pack('xz'), 0xffffffff))).rejects.toEqual(badImage);
});

test('refuses damaged and foreign images', async () => {
  const image = imageOf(pack('xz'));
  const damaged = Buffer.from(image);
  damaged.fill(0x55, 1100, 1140);
  await expect(unpackVmlinux(damaged)).rejects.toEqual(badImage);
  await expect(unpackVmlinux(imageOf(Buffer.from('no compression that is known')))).rejects.toEqual(badImage);
  expect(() => payloadOf(image.subarray(0, image.length - 1))).toThrow(expect.objectContaining({ code: 'bad-image' }));
  const arm = Buffer.alloc(2000).fill('ARM\u0064', 56, 60, 'latin1');
  expect(() => payloadOf(arm)).toThrow('not an x86 boot image: one of arm64');
  const zboot = Buffer.alloc(2000).fill('zimg', 4, 8, 'latin1');
  expect(() => payloadOf(zboot)).toThrow('an EFI zboot image');
  expect(() => payloadOf(vmlinux)).toThrow('an unpacked kernel (vmlinux)');
  expect(() => payloadOf(pack('gzip'))).toThrow('a compressed file');
  expect(() => payloadOf(Buffer.alloc(2000))).toThrow(expect.objectContaining({ code: 'bad-image' }));
});
