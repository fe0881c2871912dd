import type { Reason } from '#libs/contracts';
import type { LoaderErrorCode } from '#libs/loader';
import { type BundleState, type BundleStates, isApplied } from './bundle-state.js';
import type { BundleSummary } from './record.js';

/** What a level is judged by. */
export interface LevelSituation {
  readonly states: BundleStates;
  readonly bootId: string;
  /** Build id of the kernel that runs. */
  readonly buildId: string;
  /** Bundles that the service has withdrawn. */
  readonly withdrawn: ReadonlySet<string>;
}

/** A level, as its manifest or, before that is there, the service's offer tells of it. */
export interface Level {
  readonly bundleId: string;
  readonly level: number;
  readonly fixIds: ReadonlySet<string>;
}

/** The fixes in a bundle; undefined where the journal is of a version that didn't write them. */
export function fixIdsOf(summary: BundleSummary | undefined): readonly string[] | undefined {
  const fixIds = (summary?.fixes ?? []).flatMap(({ fixId }) => fixId ?? []);
  return summary !== undefined && fixIds.length === summary.fixes.length ? fixIds : undefined;
}

/**
 * Why a level must not run here. The kernel drops every other live patch for it, so it has to contain what they fix; and whoever
 * controls what the service says could offer an old one whose holes are known, so none comes after a higher one. What somebody
 * took out by itself it doesn't bring in again.
 */
export function reasonsAgainst(level: Level, situation: LevelSituation): Reason[] {
  return [...lackedFixes(level, situation), ...heldFixes(level, situation), ...rollback(level, situation)];
}

function lackedFixes(level: Level, situation: LevelSituation): Reason[] {
  // What ran on top of it before the boot comes after it again: only what is in the kernel by now would be lost.
  const ranBefore = situation.states.get(level.bundleId)?.phase === 'applied';
  return [...situation.states.values()].flatMap((other) => {
    if (other.bundleId === level.bundleId || !stands(other, situation)) return [];
    if (ranBefore && !isApplied(other, situation.bootId)) return [];
    const fixIds = fixIdsOf(other.summary);
    if (fixIds?.every((fixId) => level.fixIds.has(fixId)) === true) return [];
    const what = fixIds === undefined ? 'perhaps lacks what' : 'lacks a fix that';
    return [
      {
        code: 'level-lacks-fix',
        reason: `level ${level.level} ${what} bundle ${other.bundleId}, which is applied, has`,
        advice: `a later level will contain it; \`splicecast remove ${other.bundleId}\` does without it`,
      },
    ];
  });
}

function heldFixes(level: Level, { states, bootId }: LevelSituation): Reason[] {
  return [...states.values()].flatMap((state) => {
    const { bundleId, summary, hold } = state;
    if (hold === undefined || summary?.level !== undefined || isApplied(state, bootId)) return [];
    if (fixIdsOf(summary)?.some((fixId) => level.fixIds.has(fixId)) !== true) return [];
    return [
      {
        code: 'level-has-held-fix',
        reason: `level ${level.level} contains the fix of bundle ${bundleId}, which is held: ${hold.reason}`,
        advice: `\`splicecast unhold ${bundleId}\` lets it in again`,
      },
    ];
  });
}

/** Whether a bundle is in the kernel, or was before the boot and comes back: what a machine must not lose. */
function stands(state: BundleState, { bootId, buildId, withdrawn }: LevelSituation): boolean {
  if (state.phase !== 'applied' || state.summary?.kernel.buildId !== buildId) return false;
  return !withdrawn.has(state.bundleId) && (isApplied(state, bootId) || state.hold === undefined);
}

/** What the kernel itself says to a module: nobody but the kernel can make a level look refused by it. */
const kernelRefusals: ReadonlySet<string> = new Set<LoaderErrorCode>([
  'wrong-vermagic',
  'wrong-module-layout',
  'wrong-import-version',
  'missing-import',
  'unknown-symbol',
  'malformed-module',
  'load-failed',
  'wrong-functions',
  'not-replaced',
  'stays-loaded',
]);

function rollback(level: Level, situation: LevelSituation): Reason[] {
  let highest: BundleState | undefined;
  for (const state of situation.states.values()) {
    if (!bindsTo(state, situation)) continue;
    if ((state.summary?.level ?? 0) > (highest?.summary?.level ?? 0)) highest = state;
  }
  const seen = highest?.summary?.level ?? 0;
  if (highest === undefined || level.level >= seen) return [];
  return [
    {
      code: 'level-rollback',
      reason: `level ${level.level} is older than level ${seen}, which this machine has had`,
      advice: `\`splicecast remove ${highest.bundleId}\` goes back, if that is meant`,
    },
  ];
}

/**
 * Whether nothing below a level may come after it: it was found genuine here, and nobody has taken it back since. An operator's word
 * does, a recall, a crash, and the kernel's own refusal; what spoils a download or a signature doesn't.
 */
function bindsTo({ bundleId, summary, phase, hold, reasons }: BundleState, situation: LevelSituation): boolean {
  if (summary?.level === undefined || summary.kernel.buildId !== situation.buildId) return false;
  if (hold !== undefined || situation.withdrawn.has(bundleId)) return false;
  return !(phase === 'refused' && reasons.some(({ code }) => kernelRefusals.has(code)));
}
