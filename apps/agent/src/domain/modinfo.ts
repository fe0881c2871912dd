import { readElf, sectionNamed } from '#libs/elf';

/** A stock module has about 500 bytes of it. */
const maxBytes = 64 * 1024;

/**
 * Reads a kernel module's .modinfo: `name=value` strings, each ended by a zero byte.
 * @returns the first value of each name; undefined for a module without such a section, or with one of absurd size.
 * @throws ElfError for what is no ELF file.
 */
export function readModinfo(module: Uint8Array): ReadonlyMap<string, string> | undefined {
  const section = sectionNamed(readElf(module), '.modinfo');
  if (section === undefined || section.data.length > maxBytes) return undefined;
  const fields = new Map<string, string>();
  for (const field of Buffer.from(section.data).toString('latin1').split('\0')) {
    const at = field.indexOf('=');
    if (at > 0 && !fields.has(field.slice(0, at))) fields.set(field.slice(0, at), field.slice(at + 1));
  }
  return fields;
}
