import { basename } from 'node:path';

/** What a module in a file is called: `out/Fix-1.ko` → `fix_1`, as module names have no dashes and at most 55 characters (MODULE_NAME_LEN). */
export function moduleNameOf(path: string): string {
  const name = basename(path, '.ko').toLowerCase();
  return name.replaceAll(/[^a-z0-9]/g, '_').slice(0, 55);
}
