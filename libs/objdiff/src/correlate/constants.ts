import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';
import { type Use, usesOf } from '../model/uses.js';
import { Equality } from '../compare/equality.js';
import type { Twins } from './twins.js';

/**
 * A constant table that changed or grew can come as a copy if only code of this file uses it: its users then differ by
 * what they refer to and get new bodies. Not if it points to functions (its address may be kept by the kernel as a table
 * of operations) or stands in another table.
 */
export function copyChangedConstants(
  original: ObjectFile,
  patched: ObjectFile,
  twins: Twins,
  findings: Findings,
): void {
  const equality = new Equality(twins);
  const differing = [...twins.entries()].filter(
    ([before, after]) => isPlain(before) && isPlain(after) && !equality.sameContent(before, after),
  );
  if (differing.length === 0) return;
  const uses = { original: usesOf(original), patched: usesOf(patched) };
  for (const [before, after] of differing) {
    if (!isUsedByCodeOnly(uses.original.get(before)) || !isUsedByCodeOnly(uses.patched.get(after))) continue;
    twins.separate(after);
    findings.notice({
      code: 'constant-copied',
      symbol: after.name,
      reason: 'a constant table changed; the functions that use it get a copy of their own',
    });
  }
}

function isPlain(atom: Atom): boolean {
  if (atom.role !== 'readonly' || atom.global) return false;
  return atom.references.every(({ target }) => target.kind === 'string' || target.kind === 'constant');
}

function isUsedByCodeOnly(uses: readonly Use[] | undefined): boolean {
  return uses !== undefined && uses.every(({ user }) => user.kind === 'function' && user.role === 'text');
}
