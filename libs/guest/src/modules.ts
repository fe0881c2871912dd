import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GuestError } from './errors.js';

/**
 * What a stock Debian kernel needs beyond what is built in, to see a folder of its host (9p over virtio) and a network
 * card (e1000), in the order in which they load. Paths are relative to `lib/modules/<release>/`.
 */
export const guestModules: readonly string[] = [
  'kernel/drivers/virtio/virtio_ring.ko',
  'kernel/drivers/virtio/virtio.ko',
  'kernel/drivers/virtio/virtio_pci_legacy_dev.ko',
  'kernel/drivers/virtio/virtio_pci_modern_dev.ko',
  'kernel/drivers/virtio/virtio_pci.ko',
  'kernel/net/9p/9pnet.ko',
  'kernel/net/9p/9pnet_virtio.ko',
  'kernel/fs/netfs/netfs.ko',
  'kernel/fs/fscache/fscache.ko',
  'kernel/fs/9p/9p.ko',
  'kernel/drivers/net/ethernet/intel/e1000/e1000.ko',
];

/**
 * Reads the guest's modules.
 * @param folder `lib/modules/<release>` of the kernel, or any folder that holds `guestModules` by those paths or by file name.
 * @returns bytes by file name, in load order.
 * @throws GuestError `file-missing` that names each module that isn't there.
 */
export async function readGuestModules(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const modules = new Map<string, Buffer>();
  const missing: string[] = [];
  for (const path of guestModules) {
    const bytes = (await readIfThere(join(folder, path))) ?? (await readIfThere(join(folder, basename(path))));
    if (bytes === undefined) missing.push(path);
    else modules.set(basename(path), bytes);
  }
  if (missing.length === 0) return modules;
  throw new GuestError(
    'file-missing',
    `no guest without these modules of its kernel in ${folder}: ${missing.join(', ')}`,
  );
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
