import { KernelImageError } from './errors.js';

/** An exported symbol, as a line of Module.symvers has it. */
export interface SymversEntry {
  readonly name: string;
  readonly crc: number;
  /** `vmlinux`, or the exporting module's name. */
  readonly owner: string;
  readonly kind: string;
  readonly namespace?: string;
}

/**
 * Reads Module.symvers: `0x<crc>\t<symbol>\t<path without .ko | vmlinux>\t<EXPORT_SYMBOL…>\t<namespace>`.
 * @throws KernelImageError `bad-symvers`
 */
export function parseSymvers(text: string): ReadonlyMap<string, SymversEntry> {
  const entries = new Map<string, SymversEntry>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [crc, name, path, kind, namespace] = line.split('\t');
    if (!crc || !name || !path || !kind || !/^0x[0-9a-f]{1,8}$/.test(crc)) {
      throw new KernelImageError('bad-symvers', `line of another form: ${line.slice(0, 120)}`);
    }
    const owner = path === 'vmlinux' ? path : moduleNameOf(path);
    entries.set(name, { name, crc: Number.parseInt(crc, 16), owner, kind, ...(namespace ? { namespace } : {}) });
  }
  if (entries.size === 0) throw new KernelImageError('bad-symvers', 'Module.symvers is empty');
  return entries;
}

/** The name by which the kernel knows a module: its file's name without `.ko`, dashes as underscores. */
export function moduleNameOf(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko$/, '')
    .replaceAll('-', '_');
}
