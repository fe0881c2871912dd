import type { Reason } from '#libs/contracts';
import { changedTree, type CompiledObject, safePath } from '#libs/kbuild';
import { HistoryError } from '#libs/series';
import type { Applied } from './apply-patch.js';
import { buildFix } from './build-fix.js';
import { unchangedSource } from './compile-objects.js';
import { type Closure, closureOf } from './dependencies/footing.js';
import { missingNames } from './dependencies/missing-names.js';
import type { BroughtCommit } from './dependencies/series.js';
import type { SeriesHistory } from './dependencies/series-history.js';
import type { BuildOutcome, BuildRequest, FileChange, FixSource } from './outcome.js';
import { touchedBy } from './touched.js';

/** Builds that are tried, each with the commits that the one before asked for. */
const maxRounds = 6;
/** With more than that it is no fix any more but half of the vendor's release. */
const maxBrought = 12;

export interface SeriesBuildRequest extends Omit<BuildRequest, 'fix'> {
  readonly history: SeriesHistory;
  /** Full ids of commits of the series. */
  readonly commits: readonly string[];
  /** What else is changed, on top of the commits. */
  readonly onTop?: (fix: FixSource) => Promise<Applied>;
}

/** Commits that a build takes, and why those that weren't asked for are among them. */
type Wanted = Map<number, string | undefined>;

/**
 * Makes a live patch of commits of a series: on the kernel's own source, with the earlier commits that their lines rest on, and
 * with those that the compiler then asks for by name. What can't be had so is refused with the commits' names.
 */
export async function buildSeriesFix(request: SeriesBuildRequest): Promise<BuildOutcome> {
  const { history, commits } = request;
  const wanted: Wanted = new Map();
  const originals = new Map<string, CompiledObject>();
  for (const commit of commits) {
    const place = history.placeOf(commit);
    if (place === undefined) {
      return refused([{ code: 'unknown-commit', reason: `the series has no commit ${commit}` }], []);
    }
    wanted.set(place, undefined);
  }
  try {
    for (let round = 1; ; round += 1) {
      const closure = await closureFor(request, wanted);
      const brings = broughtBy(request, closure);
      const refusals = [...refusalOfBrought(request, closure, brings), ...refusalOfParts(request, closure)];
      if (refusals.length > 0) return refused(refusals, brings);
      const outcome = await build({ ...request, originals }, closure, brings);
      const asked = outcome.outcome === 'refused' && outcome.stage === 'compile' ? outcome.reasons : [];
      const more = await askedFor(request, asked, closure);
      if (asked.length === 0 || more.added.size === 0 || round === maxRounds) {
        return withBrought(outcome, brings, more.reasons);
      }
      for (const [place, why] of more.added) wanted.set(place, why);
    }
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return refused([{ code: 'malformed-patch', reason: error.message }], []);
  }
}

function isInert({ profile }: SeriesBuildRequest, path: string): boolean {
  return touchedBy([{ path, kind: 'modified' }], profile.data.kbuild['SRCARCH'] ?? 'x86').inert.length > 0;
}

async function closureFor(request: SeriesBuildRequest, wanted: Wanted): Promise<Closure> {
  const { history } = request;
  const pathsOf = (commit: number): readonly string[] =>
    (history.series.commits[commit]?.paths ?? []).filter((path) => !isInert(request, path));
  return await closureOf(wanted, pathsOf, async (commit, path) => await history.footing(commit, path));
}

function broughtBy({ history, commits }: SeriesBuildRequest, { commits: places, why }: Closure): BroughtCommit[] {
  const asked = new Set(commits);
  return places.flatMap((place) => {
    const found = history.series.commits[place];
    if (!found || asked.has(found.commit)) return [];
    return [{ commit: found.commit, subject: found.subject, why: why.get(place) ?? '' }];
  });
}

function refusalOfBrought(
  { history }: SeriesBuildRequest,
  { commits }: Closure,
  brings: readonly BroughtCommit[],
): readonly Reason[] {
  const remainders = new Set(
    commits.flatMap((place) => {
      const found = history.series.commits[place];
      return found?.remainder === undefined ? [] : [found.commit];
    }),
  );
  const unexplained = brings.filter(({ commit }) => remainders.has(commit));
  if (unexplained.length > 0) return unexplained.map((one) => needsCommit(one));
  return brings.length > maxBrought ? brings.map((one) => needsCommit(one)) : [];
}

/**
 * Changes that no changelog entry explains, in a function that the fix changes: they may be a part of it that the split didn't
 * recognise (a declaration that goes in one hunk, the last use of it in another), and half a fix is a wrong one.
 */
function refusalOfParts({ history }: SeriesBuildRequest, { shared }: Closure): readonly Reason[] {
  return [...shared].flatMap(([path, others]) =>
    others.flatMap((place): Reason[] => {
      const found = history.series.commits[place];
      if (found?.remainder === undefined) return [];
      const reason = `${found.commit.slice(0, 12)} (“${found.subject}”) changes a function that the fix changes`;
      const advice = 'build both together, or give the whole fix as a patch';
      return [{ code: 'incomplete-fix', symbol: found.commit, object: path, reason, advice }];
    }),
  );
}

/** The reason that names a commit without which a fix can't be built. */
function needsCommit({ commit, subject, why }: BroughtCommit): Reason {
  return {
    code: 'needs-earlier-commits',
    symbol: commit,
    reason: `needs ${commit.slice(0, 12)} (“${subject}”), which ${why}`.slice(0, 4096),
    advice: 'build it together with that commit, or backport it by hand',
  };
}

async function build(
  request: SeriesBuildRequest,
  closure: Closure,
  brings: readonly BroughtCommit[],
): Promise<BuildOutcome> {
  const { history, onProgress } = request;
  if (brings.length > 0) onProgress?.('apply', `with ${brings.length} earlier commits`);
  const own = await sourceOf(request, closure);
  const whole = (await request.onTop?.(own)) ?? { fix: own };
  if ('refused' in whole) return refused(whole.refused, brings);
  const outcome = await buildFix({ ...request, fix: whole.fix });
  if (outcome.outcome === 'refused') return outcome;
  const merged = [...closure.merged].map(([path, others]): Reason => {
    const names = others.slice(0, 5).map((place) => history.series.commits[place]?.subject ?? '');
    const reason = `left out what changes lines near the fix’s own: ${names.join('; ')}`.slice(0, 4096);
    return { code: 'context-merged', object: path, reason };
  });
  return { ...outcome, warnings: [...merged, ...outcome.warnings] };
}

async function sourceOf(request: SeriesBuildRequest, { commits }: Closure): Promise<FixSource> {
  const { history } = request;
  const { base } = history;
  const chosen = new Set(commits);
  const changes: FileChange[] = [];
  const contents = new Map<string, Buffer | undefined>();
  const paths = new Set(commits.flatMap((place) => history.series.commits[place]?.paths ?? []));
  for (const path of [...paths].sort()) {
    safePath(path);
    if (isInert(request, path)) {
      changes.push({ path, kind: 'modified' });
      continue;
    }
    const before = await base.read(path);
    const now = await history.content(path, chosen);
    if (before === undefined ? now === undefined : now?.equals(before)) continue;
    contents.set(path, now);
    changes.push({ path, kind: before === undefined ? 'added' : now === undefined ? 'deleted' : 'modified' });
  }
  return { base, patched: changedTree(base, contents), changes };
}

/** The commits that bring the names which the compiler misses; and of those that none brings alone, where they are. */
async function askedFor(
  { history }: SeriesBuildRequest,
  compilerSaid: readonly Reason[],
  { commits }: Closure,
): Promise<{ added: ReadonlyMap<number, string>; reasons: readonly Reason[] }> {
  const added = new Map<number, string>();
  const reasons: Reason[] = [];
  const last = commits.at(-1) ?? 0;
  for (const missing of missingNames(compilerSaid.filter(({ reason }) => !reason.startsWith(unchangedSource)))) {
    const found = (await history.introducers(missing)).filter((place) => !commits.includes(place));
    const fixes = found.filter((place) => history.series.commits[place]?.remainder === undefined);
    // A split's order is that of the changelog, which needn't be the one in which the commits were made.
    const chosen = fixes.find((place) => place < last) ?? fixes[0];
    const why = missing.kind === 'prototype' ? `changes ${missing.name}` : `brings ${missing.name}`;
    if (chosen !== undefined) added.set(chosen, why);
    else if (found[0] !== undefined) {
      const { commit = '', subject = '' } = history.series.commits[found[0]] ?? {};
      reasons.push(needsCommit({ commit, subject, why }));
    }
  }
  return { added, reasons };
}

function withBrought(
  outcome: BuildOutcome,
  brings: readonly BroughtCommit[],
  missing: readonly Reason[],
): BuildOutcome {
  if (outcome.outcome === 'built') return { ...outcome, brings };
  return { ...outcome, brings, reasons: [...outcome.reasons, ...brings.map((one) => needsCommit(one)), ...missing] };
}

function refused(reasons: readonly Reason[], brings: readonly BroughtCommit[]): BuildOutcome {
  return { outcome: 'refused', stage: 'apply', reasons, mismatches: [], objects: [], brings };
}
