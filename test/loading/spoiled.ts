import { readElf, sectionNamed } from '#libs/elf';

/** A module as another kernel's build would have it: vermagic's flags differ. */
export function withOtherVermagic(module: Uint8Array): Uint8Array {
  const bytes = Buffer.from(module);
  bytes.write('quiesce', bytes.indexOf('preempt', bytes.indexOf('vermagic=')), 'latin1');
  return bytes;
}

/** A module that was compiled against another declaration of something exported: a CRC in __versions differs. */
export function withBrokenCrc(module: Uint8Array): Uint8Array {
  const bytes = Buffer.from(module);
  const versions = sectionNamed(readElf(bytes), '__versions');
  const at = bytes.indexOf(Buffer.from('klp_enable_patch\0'), bytes.indexOf(versions?.data ?? Buffer.alloc(0))) - 8;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}
