import { join } from 'node:path';
import { type Digest, digestOf } from '#libs/contracts';
import { readText } from './bounded-file.js';

/** What boards and virtual machines say whose maker set nothing: the same on many machines. */
const placeholders: readonly RegExp[] = [/^([0-9a-f])\1*$/, /^03000200040005000006000700080009$/, /^0*1$/];

/**
 * A digest of what identifies the hardware: the system's UUID of SMBIOS (`product_uuid`, readable by root alone), which a new
 * installation doesn't change and a hypervisor gives each machine anew. The UUID itself never leaves the machine.
 * @param root the file system's root; another one in tests.
 * @returns undefined where there is none, or one that says nothing.
 */
export async function hardwareDigest(root: string): Promise<Digest | undefined> {
  const text = await readText(join(root, 'sys/class/dmi/id/product_uuid')).catch(() => undefined);
  const uuid = text?.trim().toLowerCase().replaceAll('-', '');
  if (uuid === undefined || !/^[0-9a-f]{32}$/.test(uuid)) return undefined;
  if (placeholders.some((placeholder) => placeholder.test(uuid))) return undefined;
  return digestOf(`splicecast hardware\0${uuid}`);
}
