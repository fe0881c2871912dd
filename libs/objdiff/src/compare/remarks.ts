import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';

/** What a fix's author wants left as it is, though it changed. */
export interface Remarks {
  isLeftOut(patched: Atom): boolean;
}

/**
 * Reads the author's remarks, in the form of kpatch's macros: pointers to functions in `.kpatch.ignore.functions`, and to
 * names of sections in `.kpatch.ignore.sections`. Each that is followed is said in a notice.
 */
export function readRemarks(patched: ObjectFile, findings: Findings): Remarks {
  const remarks = patched.atoms.filter(({ role }) => role === 'remark');
  const targets = (section: string) =>
    remarks.filter((atom) => atom.section.name === section).flatMap(({ references }) => [...references]);
  const functions = new Set(
    targets('.kpatch.ignore.functions').flatMap(({ target }) => (target.kind === 'atom' ? [target.atom] : [])),
  );
  const sections = new Set(
    targets('.kpatch.ignore.sections').flatMap(({ target }) => (target.kind === 'string' ? [target.text] : [])),
  );
  return {
    isLeftOut(atom) {
      if (!functions.has(atom) && !sections.has(atom.section.name)) return false;
      findings.notice({
        code: 'left-out',
        symbol: atom.name,
        reason: `it changed, and the fix's author says to leave it (${atom.section.name})`,
      });
      return true;
    },
  };
}
