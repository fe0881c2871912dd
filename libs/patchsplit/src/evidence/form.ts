import { extname } from 'node:path/posix';
import type { FileDelta, Hunk } from '../hunks/delta.js';

/**
 * What a hunk is, apart from its words, each beginning with `*`, so that no word of code is taken for it: that its file comes or goes, that it only adds or
 * only removes, what it does (`actsOf`), and of which kind its file is.
 */
export function formOf({ path, whole }: FileDelta, { added, removed }: Hunk, acts: ReadonlySet<string>): string[] {
  const form = [`*${kindOf(path)}`, ...[...acts].map((act) => `*${act}`)];
  if (whole) form.push(added.length === 0 ? '*goes' : removed.length === 0 ? '*comes' : '*replaced');
  else if (removed.length === 0) form.push('*grows');
  else if (added.length === 0) form.push('*shrinks');
  else if (added.length === 1 && removed.length === 1) form.push('*one-line');
  return form;
}

/** `.c`, `.dts`; of files that have no extension the name: `makefile`, `kconfig`. Lower-case. */
function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return (extname(name) || name.replace(/[^a-z].*$/, '')).slice(0, 20);
}
