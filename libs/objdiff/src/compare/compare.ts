import type { ElfSymbol } from '#libs/elf';
import type { Correlation } from '../correlate/correlate.js';
import { type Atom, isCopied, isShared } from '../model/atom.js';
import { shapeOf } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import type { Finding, Findings } from '../findings.js';
import { Equality, sameBytes } from './equality.js';
import { differsInLinesOnly } from './line-only.js';
import { compareModinfo } from './modinfo.js';
import { readRemarks } from './remarks.js';

/** Has the code of a function changed, its special sections' entries included? */
export function functionChanged(original: Atom, patched: Atom, equality: Equality): boolean {
  if (original.sizeBytes !== patched.sizeBytes || !sameBytes(original.prefix, patched.prefix)) return true;
  if (!equality.sameReferences(original.references, patched.references)) return true;
  if (!equality.sameSpecial(original, patched)) return true;
  return !equality.sameContent(original, patched) && !differsInLinesOnly(original, patched);
}

/** Finds the functions that changed, and everything else that changed, which is a reason to refuse or a notice. */
export function compareObjects(
  original: ObjectFile,
  patched: ObjectFile,
  correlation: Correlation,
  findings: Findings,
  untouched: ReadonlySet<Atom> = new Set(),
): Set<Atom> {
  const equality = new Equality(correlation.twins);
  const changed = new Set<Atom>();
  const remarks = readRemarks(patched, findings);
  for (const [before, after] of correlation.twins.entries()) {
    if (after.role === 'remark') continue;
    if (after.kind === 'function') {
      if (untouched.has(after) || !functionChanged(before, after, equality) || remarks.isLeftOut(after)) continue;
      const reason = whyFixed(before, after);
      if (reason === undefined) changed.add(after);
      else findings.refuse({ ...reason, symbol: reason.symbol ?? after.name });
    } else compareData(before, after, equality, findings);
  }
  compareTables(original, patched, correlation, findings);
  compareExports(original, patched, findings);
  compareModinfo(original, patched, findings);
  return changed;
}

/** Code that changed and that no patch can take the place of. */
function whyFixed(before: Atom, after: Atom): Finding | undefined {
  if (before.section.name !== after.section.name && shapeOf(before.section.name) !== shapeOf(after.section.name))
    if (before.role !== after.role)
      return { code: 'section-changed', reason: `moved from ${before.section.name} to ${after.section.name}` };
  if (after.role === 'init')
    return {
      code: 'init-changed',
      symbol: changedNames(before, after),
      reason: `${after.section.name} has run before the fix could come`,
    };
  if (after.role === 'noinstr')
    return {
      code: 'noinstr-changed',
      reason: `${after.section.name} can't be traced, so it can't be redirected`,
      advice: 'Patch the functions that call it, if they can be traced.',
    };
  if (isShared(before) || isShared(after))
    return {
      code: 'bundled-sections',
      symbol: changedNames(before, after),
      reason: `several functions share ${after.section.name}, so calls between them can't be told apart`,
      advice: 'Compile with -ffunction-sections.',
    };
  return undefined;
}

function codeOf(atom: Atom, { value, sizeBytes }: ElfSymbol): Uint8Array {
  return atom.bytes.subarray(Number(value), Number(value) + sizeBytes);
}

/** Which of the functions in a shared section differ, as far as bytes show it. */
function changedNames(before: Atom, after: Atom): string {
  const old = new Map(before.functions.symbols.map((symbol) => [symbol.name, symbol]));
  const differing = after.functions.symbols.filter((symbol) => {
    const twin = old.get(symbol.name);
    return twin === undefined || !sameBytes(codeOf(before, twin), codeOf(after, symbol));
  });
  const names = [...new Set(differing.map(({ name }) => name))];
  return (names.length === 0 ? after.name : names.join(', ')).slice(0, 512);
}

function compareData(before: Atom, after: Atom, equality: Equality, findings: Findings): void {
  if (isCopied(after)) return;
  const same = equality.sameContent(before, after);
  const symbol = after.name;
  switch (after.role) {
    case 'init':
      if (!same)
        findings.refuse({ code: 'init-changed', symbol, reason: `${after.section.name}: used up at boot or load` });
      return;
    case 'registry':
      if (!same)
        findings.refuse({ code: 'registration-changed', symbol, reason: `${after.section.name} is walked only once` });
      return;
    case 'annotation':
      if (!same)
        findings.notice({ code: 'annotation-dropped', symbol, reason: `${after.section.name} stays as it is` });
      return;
    default:
  }
  if (!same && isDeviceTable(after))
    findings.refuse({
      code: 'registration-changed',
      symbol,
      reason: 'a table of device ids: the driver was registered with the old one, and user space loads it by the old',
      advice: 'Give the driver the new id at run time (new_id in its folder of sysfs), or reboot for this fix.',
    });
  else if (before.role !== after.role)
    findings.refuse({
      code: 'section-changed',
      symbol,
      reason: `moved from ${before.section.name} to ${after.section.name}`,
      advice: 'Keep the variable as it was declared, and add a new one.',
    });
  else if (before.sizeBytes !== after.sizeBytes)
    findings.refuse({
      code: 'data-size-changed',
      symbol,
      reason: `its size was ${before.sizeBytes} and is ${after.sizeBytes} bytes; what is in memory can't grow`,
      advice: 'Use a shadow variable (klp_shadow_alloc) for what is new.',
    });
  else if (!same)
    findings.refuse({
      code: 'data-changed',
      symbol,
      reason: 'its initial content changed, and the running kernel has long been using the old',
    });
}

/** MODULE_DEVICE_TABLE gives a table a second name (linux/module.h). */
function isDeviceTable({ symbols }: Atom): boolean {
  return symbols.some(({ name }) => /^__mod_.+_device_table$/.test(name));
}

function isTable(atom: Atom): boolean {
  return atom.role === 'registry' || atom.role === 'init';
}

/** Entries of tables that came or went. */
function compareTables(original: ObjectFile, patched: ObjectFile, { twins }: Correlation, findings: Findings): void {
  for (const atom of patched.atoms)
    if (isTable(atom) && twins.originalOf(atom) === undefined)
      findings.refuse({
        code: atom.role === 'init' ? 'init-changed' : 'registration-changed',
        symbol: atom.name,
        reason: `${atom.section.name} has a new entry, which the running kernel wouldn't look for`,
      });
  for (const atom of original.atoms)
    if (atom.role === 'registry' && twins.patchedOf(atom) === undefined)
      findings.refuse({
        code: 'registration-changed',
        symbol: atom.name,
        reason: `an entry of ${atom.section.name} is gone, but the running kernel has it`,
      });
}

/** A new export serves modules that don't exist yet: it is dropped, and said so. */
function compareExports(original: ObjectFile, patched: ObjectFile, findings: Findings): void {
  const [before, after] = [new Set(original.exports), new Set(patched.exports)];
  for (const symbol of after)
    if (!before.has(symbol))
      findings.notice({ code: 'export-dropped', symbol, reason: 'newly exported; a live patch exports nothing' });
  for (const symbol of before)
    if (!after.has(symbol))
      findings.notice({ code: 'export-removed', symbol, reason: 'no longer exported; the running kernel still does' });
}
