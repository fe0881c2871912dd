import type { Reason } from '#libs/contracts';
import type { KernelProfile } from '#libs/kernelimage';
import type { KernelView, ObjectDiff } from '#libs/objdiff';
import type { RunPreMatch } from '#libs/runpre';

/**
 * Why a difference must not be made a patch of: a function that it replaces, or something of the same object that its new code
 * goes on to use, isn't what runs. A weak function that gave way is used as whatever took its place.
 */
export function mismatchesThatMatter(diff: ObjectDiff, match: RunPreMatch): readonly Reason[] {
  if (diff.outcome === 'no-change') return [];
  const { objectFile, owner } = match;
  const replaced = new Set([owner, ...diff.changed]);
  const used = diff.outcome === 'changed' ? diff.references.filter(({ definedHere }) => definedHere) : [];
  const relied = new Set(used.map(({ symbol }) => symbol));
  return match.mismatches
    .filter(({ symbol, code }) => replaced.has(symbol) || (relied.has(symbol) && code !== 'overridden'))
    .map(({ symbol, code, reason, advice }) => ({
      code: `run-pre-${code}`,
      reason,
      advice,
      symbol,
      object: objectFile,
    }));
}

/**
 * The kernel as emitting sees it: the profile, and where run-pre matching found each symbol of the objects.
 * @param matches by object file.
 */
export function viewWithMatches(profile: KernelProfile, matches: ReadonlyMap<string, RunPreMatch>): KernelView {
  return {
    release: profile.release,
    buildId: profile.buildId,
    vermagic: profile.vermagic,
    symbols: (name) => profile.symbols(name),
    moduleSymbols: (module, name) => profile.moduleSymbols(module, name),
    exportOf: (name) => profile.exportOf(name),
    sizeOf: (struct) => profile.sizeOf(struct),
    offsetOf: (struct, member) => profile.offsetOf(struct, member),
    sympos: (objectFile, symbol) => matches.get(objectFile)?.sympos(symbol),
  };
}
