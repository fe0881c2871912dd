import { randomBytes } from 'node:crypto';
import { digestOf, type KernelIdentity } from '#libs/contracts';
import { ObjectBuilder, SectionFlag, SectionType } from '#libs/elf';

/** What the module of a larger fix has: most are of 20 to 100 kB. */
export const moduleBytes = 200_000;

/** A live patch's module, of which only the outside is real: what is read of it before a kernel gets it. */
export function livePatch(name: string, { vermagic }: KernelIdentity, symbols: readonly string[] = []): Buffer {
  const builder = new ObjectBuilder();
  const info = { license: 'GPL', livepatch: 'Y', name, vermagic };
  const strings = Object.entries(info).map(([key, value]) => `${key}=${value}\0`);
  const progbits = { type: SectionType.PROGBITS, flags: SectionFlag.ALLOC, align: 16 };
  builder.addSection({ ...progbits, name: '.modinfo', data: Buffer.from(strings.join('')) });
  builder.addSection({ ...progbits, name: '.text', data: randomBytes(moduleBytes) });
  for (const symbol of symbols) builder.addUndefined(`.klp.sym.vmlinux.${symbol},0`);
  return Buffer.from(builder.build());
}

/** What a live patch says that it replaces. */
export function replaced(symbol: string) {
  const file = { object: 'vmlinux', sympos: 0, objectFile: 'fs/fcntl.o', sizeBytes: 10 };
  return { ...file, symbol, oldSha256: digestOf(`old ${symbol}`), newSha256: digestOf(`new ${symbol}`) };
}
