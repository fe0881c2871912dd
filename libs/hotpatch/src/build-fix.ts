import type { Reason } from '#libs/contracts';
import { KbuildError, type ObjectRule, Workspace } from '#libs/kbuild';
import { type ChangedDiff, diffObjects, emitModule } from '#libs/objdiff';
import { matchRunPre, type RunPreMatch } from '#libs/runpre';
import { compileObjects, kbuildReason } from './compile-objects.js';
import { checkTypes } from './layouts/index.js';
import { withLongBranches } from './long-branches.js';
import { mismatchesThatMatter, viewWithMatches } from './matched.js';
import { objectsOf } from './objects.js';
import type { BuildOutcome, BuildRequest, BuildStage, BuiltObject, Refusal } from './outcome.js';
import { withAdvice } from './reason-codes.js';
import { touchedBy } from './touched.js';

/** Ends a build with every reason that is known at that stage. */
class Refused extends Error {
  constructor(
    readonly stage: BuildStage,
    readonly reasons: readonly Reason[],
    readonly mismatches: readonly Reason[] = [],
  ) {
    super(reasons.map(({ reason }) => reason).join('; '));
  }
}

/**
 * Makes a live patch of a fix: find the touched objects → compile them before and after → match the originals with the
 * code that runs → compare → emit. An expected failure is an outcome with all reasons; only a broken machine throws.
 */
export async function buildFix(request: BuildRequest): Promise<BuildOutcome> {
  const { profile, fix } = request;
  const changed = new Set(fix.changes.map(({ path }) => path));
  const before = await Workspace.create(profile, fix.base, changed);
  const after = await Workspace.create(profile, fix.patched, changed);
  const objects: BuiltObject[] = [];
  try {
    const found = await find(request, before, after);
    const compiled = await compile(request, before, after, found.rules);
    objects.push(...compiled.objects);
    const matches = match(request, objects);
    const { diffs, notices } = compare(request, objects, matches, compiled.left);
    const told = [...found.notices, ...notices];
    return await emitWithKeys(request, [before, after], found.rules, { objects, matches, diffs, notices: told });
  } catch (error) {
    if (error instanceof Refused) return refusal(error, objects);
    throw error;
  } finally {
    await Promise.all([before.remove(), after.remove()]);
  }
}

function refusal({ stage, reasons, mismatches }: Refused, objects: readonly BuiltObject[]): Refusal {
  return {
    outcome: 'refused',
    stage,
    reasons: reasons.map(withAdvice),
    mismatches: mismatches.map(withAdvice),
    objects,
  };
}

async function find(
  { profile, fix, fixes = 1, onProgress }: BuildRequest,
  before: Workspace,
  after: Workspace,
): Promise<{ rules: readonly ObjectRule[]; notices: readonly Reason[] }> {
  onProgress?.('apply', `${fix.changes.length} files`);
  const touched = touchedBy(fix.changes, profile.data.kbuild['SRCARCH'] ?? 'x86');
  const found = await tellingReasons('compile', async () => {
    return await objectsOf(before, after, touched, fixes, (what) => onProgress?.('apply', what));
  });
  const refusals = [...touched.refusals, ...found.refusals];
  if (refusals.length > 0) throw new Refused(touched.refusals.length > 0 ? 'apply' : found.stage, refusals);
  const passed = [...touched.inert, ...found.unbuilt];
  if (found.rules.length === 0) {
    const nothing: Reason = { code: 'nothing-to-patch', reason: 'the fix touches no code of this kernel' };
    throw new Refused('apply', [nothing, ...passed]);
  }
  return { rules: found.rules, notices: [...passed, ...found.notices] };
}

async function compile(
  request: BuildRequest,
  before: Workspace,
  after: Workspace,
  rules: readonly ObjectRule[],
): Promise<{ objects: readonly BuiltObject[]; left: readonly Reason[] }> {
  const { objects, failures, left } = await compileObjects(request, before, after, rules);
  if (failures.length > 0) throw new Refused('compile', [...failures, ...left]);
  return { objects, left };
}

async function tellingReasons<T>(stage: BuildStage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KbuildError) throw new Refused(stage, [kbuildReason(error)]);
    throw error;
  }
}

function match(
  { profile, onProgress }: BuildRequest,
  objects: readonly BuiltObject[],
): ReadonlyMap<string, RunPreMatch> {
  const matches = new Map<string, RunPreMatch>();
  for (const { path, owner, original } of objects) {
    onProgress?.('match', path);
    matches.set(path, matchRunPre(profile, { objectFile: path, owner, bytes: original }));
  }
  return matches;
}

function compare(
  { profile, onProgress }: BuildRequest,
  objects: readonly BuiltObject[],
  matches: ReadonlyMap<string, RunPreMatch>,
  left: readonly Reason[],
): { diffs: readonly ChangedDiff[]; notices: readonly Reason[] } {
  const diffs: ChangedDiff[] = [];
  const types = checkTypes(profile, objects);
  const reasons = [...types.reasons, ...left];
  const mismatches: Reason[] = [];
  for (const { path, owner, original, patched } of objects) {
    onProgress?.('diff', path);
    const diff = diffObjects({ objectFile: path, owner, original, patched, sizes: profile.tableSizes() });
    if (diff.outcome === 'no-change') continue;
    if (diff.outcome === 'refused') reasons.push(...diff.reasons.map((reason) => ({ object: path, ...reason })));
    else diffs.push(diff);
    const match = matches.get(path);
    if (match) mismatches.push(...mismatchesThatMatter(diff, match));
  }
  if (mismatches.length > 0) throw new Refused('match', [...mismatches, ...reasons], mismatches);
  if (reasons.length > 0) throw new Refused('diff', reasons);
  if (diffs.length === 0) {
    throw new Refused('diff', [{ code: 'no-change', reason: 'the fix changes no code of the kernel' }]);
  }
  return { diffs, notices: types.notices };
}

/** What is known of a fix when its module is to be made. */
interface Findings {
  readonly objects: readonly BuiltObject[];
  readonly matches: ReadonlyMap<string, RunPreMatch>;
  readonly diffs: readonly ChangedDiff[];
  readonly notices: readonly Reason[];
}

/** Emits; where nothing but branches too short for a test of their key stands in the way, with longer ones (docs/adr/0010). */
async function emitWithKeys(
  request: BuildRequest,
  workspaces: readonly [Workspace, Workspace],
  rules: readonly ObjectRule[],
  findings: Findings,
): Promise<BuildOutcome> {
  try {
    return emit(request, findings);
  } catch (error) {
    if (!(error instanceof Refused) || error.reasons.some(({ code }) => code !== 'jump-label-key')) throw error;
    const originals = new Map(findings.objects.map(({ path, original }) => [path, original]));
    const diffs = await withLongBranches(request, workspaces, rules, findings.diffs, findings.matches, originals);
    if (diffs === undefined) throw error;
    return emit(request, { ...findings, diffs });
  }
}

function emit(request: BuildRequest, { objects, matches, diffs, notices }: Findings): BuildOutcome {
  const { profile, moduleName, replace, tags } = request;
  request.onProgress?.('emit', moduleName);
  const emitted = emitModule({
    name: moduleName,
    kernel: viewWithMatches(profile, matches),
    diffs: diffs.map(({ included }) => included),
    replace,
    ...(tags?.['splicecast_fix'] === undefined ? {} : { id: tags['splicecast_fix'] }),
    tags: { ...tags, splicecast_kernel: profile.data.buildId },
  });
  if (emitted.outcome === 'refused') throw new Refused('emit', emitted.reasons);
  const counts = [...matches.values()];
  return {
    outcome: 'built',
    module: { name: moduleName, bytes: emitted.bytes },
    functions: emitted.functions,
    runPre: {
      matched: counts.reduce((sum, { matched }) => sum + matched, 0),
      checked: counts.reduce((sum, { checked }) => sum + checked, 0),
    },
    warnings: [...notices, ...diffs.flatMap((diff) => diff.notices), ...emitted.notices].map(withAdvice),
    objects,
  };
}
