import { ElfError } from '#libs/elf';
import { compareObjects } from './compare/compare.js';
import { copyChangedConstants } from './correlate/constants.js';
import { correlate } from './correlate/correlate.js';
import { Findings } from './findings.js';
import { noticeHazards } from './hazards/hazards.js';
import { type ObjectFile, readObject } from './model/object-file.js';
import type { ObjdiffInput, ObjectDiff } from './outcome.js';
import { joinColdParts, separateColdParts } from './select/cold.js';
import { convert } from './select/conversions.js';
import { select } from './select/select.js';

/**
 * Compares one object before and after a fix: read → correlate → compare → select, or refuse with every reason.
 * Bytes that are no ELF object are refused too (`not-an-object`).
 */
export function diffObjects(input: ObjdiffInput): ObjectDiff {
  const findings = new Findings(input.objectFile);
  const original = readOrRefuse(input, 'original', findings);
  const patched = readOrRefuse(input, 'patched', findings);
  if (original === undefined || patched === undefined) return refused(findings, [], [], input.owner);

  const correlation = correlate(original, patched);
  const untouched = copyChangedConstants(original, patched, input.owner, correlation.twins, findings);
  const changed = compareObjects(original, patched, correlation, findings, untouched);
  joinColdParts(patched, correlation.twins, changed, findings);
  const inFlight = convert({ ...input, original, patched }, correlation.twins, changed, findings);
  noticeHazards({ original, patched }, correlation.twins, changed, findings);
  separateColdParts(patched, correlation.twins, (parent) => isNew(parent) || changed.has(parent));
  const selected = select({ ...input, patched, inFlight }, correlation, changed, findings);
  const { selection, added, bundled, references } = selected;
  const names = selection.replacements.map(({ original: { name } }) => name);

  if (names.length + added.length > 0) refuseUnreadTables(patched, findings);
  if (findings.reasons.length > 0) return refused(findings, names, added, input.owner);
  if (names.length + added.length === 0) return { outcome: 'no-change', notices: findings.notices };
  return {
    outcome: 'changed',
    changed: names,
    added,
    bundled,
    functions: selection.replacements.map(({ summary }) => summary),
    references,
    notices: findings.notices,
    included: selection,
  };

  function isNew(atom: Parameters<typeof correlation.twins.originalOf>[0]): boolean {
    return correlation.twins.originalOf(atom) === undefined;
  }
}

function readOrRefuse(input: ObjdiffInput, which: 'original' | 'patched', findings: Findings): ObjectFile | undefined {
  try {
    return readObject(input[which], input.sizes);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    const code = error.code === 'other-architecture' ? 'other-architecture' : 'not-an-object';
    findings.refuse({ code, reason: `the ${which}: ${error.message}` });
    return undefined;
  }
}

function refuseUnreadTables(patched: ObjectFile, findings: Findings): void {
  for (const { section, problem } of [...patched.specialProblems, ...patched.readTablesToCopy()])
    findings.refuse({ code: 'special-section', symbol: section, reason: problem });
}

function refused(findings: Findings, changed: readonly string[], added: readonly string[], owner: string): ObjectDiff {
  const { reasons, notices } = findings;
  const isInitOnly = reasons.every(({ code }) => code === 'init-changed');
  const explained = isInitOnly ? reasons.map((reason) => ({ ...reason, advice: initAdvice(changed, owner) })) : reasons;
  return { outcome: 'refused', reasons: explained, notices, changed, added };
}

/** Where init code is all that is in the way: what the rest of the fix would be worth. */
function initAdvice(changed: readonly string[], owner: string): string {
  const next = owner === 'vmlinux' ? 'the kernel boots again' : `${owner} is loaded again`;
  if (changed.length === 0) return `Nothing else changes: the fix takes effect when ${next}.`;
  return `Leave it out, if the rest is right without it: that is ${changed.join(', ').slice(0, 1500)}, which could be patched.`;
}
