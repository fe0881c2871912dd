import type { PatchedFunction, Reason } from '#libs/contracts';
import type { CompiledObject, SourceTree } from '#libs/kbuild';
import { type Applied, applyOnTop } from './apply-patch.js';
import { buildFix } from './build-fix.js';
import { buildSeriesFix } from './build-series-fix.js';
import type { SeriesHistory } from './dependencies/series-history.js';
import type { BuildOutcome, BuildRequest, FixSource, HotPatch, Refusal } from './outcome.js';
import { withAdvice } from './reason-codes.js';

/** A fix as a part of a level. It has been made into a live patch by itself before. */
export interface LevelPart {
  readonly fixId: string;
  /** Its own commit and those that it brought, of the level's series; or a patch of the kernel's source. */
  readonly source:
    | { readonly kind: 'commits'; readonly commits: readonly string[] }
    | { readonly kind: 'patch'; readonly patch: Uint8Array };
  /** Files that it changes, and objects that were compiled for it. */
  readonly paths: ReadonlySet<string>;
  /** What it replaces by itself. */
  readonly functions: readonly Pick<PatchedFunction, 'object' | 'symbol' | 'sympos'>[];
}

export interface LevelRequest extends Omit<BuildRequest, 'fix' | 'fixes' | 'replace' | 'originals'> {
  /** The kernel's own source. */
  readonly base: SourceTree;
  /** Begins with that source. Needed where a part is of commits. */
  readonly history?: SeriesHistory;
  /** In the order in which patches are applied; commits go where their series has them, before all patches. */
  readonly parts: readonly LevelPart[];
  /** Make a level of the others where some don't go together. */
  readonly leaveOut: boolean;
}

/** A fix that can't be built together with the others, and why. */
export interface LevelConflict {
  readonly fixId: string;
  readonly reasons: readonly Reason[];
}

export type LevelOutcome =
  | {
      readonly outcome: 'built';
      readonly patch: HotPatch;
      readonly fixIds: readonly string[];
      readonly leftOut: readonly LevelConflict[];
    }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly conflicts: readonly LevelConflict[] };

/** Each fix that is left out costs a build. */
const maxRounds = 20;

/**
 * Makes one module of many fixes that takes the place of all live patches before it. What doesn't go together is refused with the
 * fixes' names; with `leaveOut`, the last of those that are to blame is left out, as often as it takes.
 */
export async function buildLevel(request: LevelRequest): Promise<LevelOutcome> {
  let parts = request.parts;
  const leftOut: LevelConflict[] = [];
  const originals = new Map<string, CompiledObject>();
  for (let round = 1; ; round += 1) {
    const { outcome, blamed } = await attempt(request, parts, originals);
    if (outcome.outcome === 'built') {
      return { outcome: 'built', patch: outcome, fixIds: parts.map(({ fixId }) => fixId), leftOut };
    }
    const conflicts = blamed.map(({ fixId }) => ({ fixId, reasons: outcome.reasons }));
    const last = conflicts.at(-1);
    if (!request.leaveOut || last === undefined || parts.length === 1 || round === maxRounds) {
      return { outcome: 'refused', refusal: outcome, conflicts: [...leftOut, ...conflicts] };
    }
    leftOut.push(last);
    parts = parts.filter(({ fixId }) => fixId !== last.fixId);
  }
}

interface Attempt {
  readonly outcome: BuildOutcome;
  /** Of a refusal: the fixes that it is about, in their order. */
  readonly blamed: readonly LevelPart[];
}

async function attempt(
  request: LevelRequest,
  parts: readonly LevelPart[],
  originals: Map<string, CompiledObject>,
): Promise<Attempt> {
  let conflicting: LevelPart | undefined;
  const onTop = async (fix: FixSource): Promise<Applied> => {
    let applied: Applied = { fix };
    for (const part of parts) {
      if (part.source.kind !== 'patch' || 'refused' in applied) continue;
      applied = await applyOnTop(applied.fix, part.source.patch);
      if ('refused' in applied) conflicting = part;
    }
    return applied;
  };
  const outcome = await build(request, parts, originals, onTop);
  if (outcome.outcome === 'refused') {
    return { outcome, blamed: conflicting === undefined ? blamedFor(outcome.reasons, parts) : [conflicting] };
  }
  const missing = missingFunctions(outcome, parts);
  const { reasons } = missing;
  if (reasons.length === 0) return { outcome, blamed: [] };
  return { outcome: { ...outcome, outcome: 'refused', stage: 'emit', reasons, mismatches: [] }, blamed: missing.parts };
}

async function build(
  { base, history, parts: _all, leaveOut: _leaveOut, ...target }: LevelRequest,
  parts: readonly LevelPart[],
  originals: Map<string, CompiledObject>,
  onTop: (fix: FixSource) => Promise<Applied>,
): Promise<BuildOutcome> {
  const request = { ...target, originals, fixes: parts.length, replace: true };
  const commits = new Set(parts.flatMap(({ source }) => (source.kind === 'commits' ? source.commits : [])));
  if (history !== undefined && commits.size > 0) {
    return await buildSeriesFix({ ...request, history, commits: [...commits], onTop });
  }
  const whole = await onTop({ base, patched: base, changes: [] });
  if ('refused' in whole) {
    return { outcome: 'refused', stage: 'apply', reasons: whole.refused.map(withAdvice), mismatches: [], objects: [] };
  }
  return await buildFix({ ...request, fix: whole.fix });
}

/** The fixes that have to do with what the reasons name; all, where that says nothing. */
function blamedFor(reasons: readonly Reason[], parts: readonly LevelPart[]): readonly LevelPart[] {
  const named = parts.filter(({ paths, functions }) =>
    reasons.some(
      ({ object, symbol }) =>
        (object !== undefined && paths.has(object)) || functions.some((one) => one.symbol === symbol),
    ),
  );
  return named.length > 0 ? named : parts;
}

/**
 * A level that replaced less than its fixes do by themselves would leave a machine, which has them, with less than before. It
 * happens where one fix undoes another, and wherever it happens for another reason it is a fault of ours.
 */
function missingFunctions(
  { functions }: HotPatch,
  parts: readonly LevelPart[],
): { readonly reasons: readonly Reason[]; readonly parts: readonly LevelPart[] } {
  const replaced = new Set(functions.map(functionKey));
  const lacking = parts.filter((part) => part.functions.some((one) => !replaced.has(functionKey(one))));
  const reasons = lacking.flatMap((part) =>
    part.functions
      .filter((one) => !replaced.has(functionKey(one)))
      .map(({ object, symbol }): Reason => {
        const reason = `fix ${part.fixId} replaces it by itself, and together with the others nothing does`;
        return withAdvice({ code: 'level-lacks-function', symbol, object, reason });
      }),
  );
  return { reasons, parts: lacking };
}

function functionKey({ object, symbol, sympos }: LevelPart['functions'][number]): string {
  return `${object}/${symbol},${sympos}`;
}
