import { cvesClosed, type KnownFix, type NamingCommit } from './live-kernel.js';

/** What a CVE is to a machine. `unknown`: nothing here says. */
export const exposures = ['exposed', 'fixed-live', 'fixed-by-reboot', 'unknown'] as const;
export type Exposure = (typeof exposures)[number];

export type ExposureCode =
  /** All fixes of the CVE are live in its kernel. */
  | 'live'
  /** The kernel that it runs was built from source that has the commits. */
  | 'in-kernel'
  /** Some of its fixes are live, not all. */
  | 'live-in-part'
  /** A fix could come, or came and went. */
  | 'not-applied'
  /** No live patch for its kernel can come yet. */
  | 'no-patch'
  /** It runs a kernel that was never imported here. */
  | 'kernel-unknown'
  /** Neither a fix nor a commit of the CVE has to do with its kernel. */
  | 'unrelated';

export interface Verdict {
  readonly state: Exposure;
  readonly code: ExposureCode;
  /** For people, in a sentence. */
  readonly why: string;
}

/** A fix of the CVE for a kernel, and the bundle of its own. */
export interface CveFix extends KnownFix {
  /** The drop whose commit it is; absent for somebody’s own patch. */
  readonly dropId?: string;
  readonly state: 'proposed' | 'built' | 'refused';
  readonly bundle?: { readonly bundleId: string; readonly state: string; readonly tier?: string };
}

/** A commit that names the CVE, and the drop whose split it is of. */
export interface CveCommit extends NamingCommit {
  readonly dropId: string;
}

/** What a CVE is to everything that runs one kernel. */
export interface KernelExposure {
  readonly version: string;
  readonly fixes: readonly CveFix[];
  readonly commits: readonly CveCommit[];
  /** The drop that it was built from and those that came before. */
  readonly drops: ReadonlySet<string>;
  /** Versions of imported kernels that have all the commits. */
  readonly fixedIn: readonly string[];
  /** Whether commits of the CVE are of drops that follow the one that it was built from. */
  readonly isBefore: boolean;
}

/** The machine itself. */
export interface Judged {
  readonly release: string | undefined;
  /** What an operator did with its seat: since then it gets nothing new. */
  readonly unseated: 'released' | 'retired' | undefined;
}

/** What a machine said of one of the CVE's bundles. */
export interface Reported {
  readonly bundleId: string;
  readonly fixIds: readonly string[];
  readonly state: 'staged' | 'applied' | 'stalled' | 'reversed' | 'replaced' | 'failed';
  /** Applied, and in the kernel that runs now. */
  readonly live: boolean;
}

/** Whether the source of a kernel has every commit of the CVE that is of the same line of drops. */
export function isInKernel({ commits, drops, isBefore }: KernelExposure): boolean {
  return !isBefore && commits.some(({ dropId }) => drops.has(dropId));
}

/** Says what a CVE is to a machine. Saying "fixed" too early is worse than saying it late. */
export function verdictOn(
  cveId: string,
  kernel: KernelExposure | undefined,
  { release, unseated }: Judged,
  reports: readonly Reported[],
): Verdict {
  if (kernel === undefined) {
    const why = `it runs ${release ?? 'a kernel that it never told'}, which was not imported here`;
    return { state: 'unknown', code: 'kernel-unknown', why };
  }
  if (isInKernel(kernel)) {
    const own = kernel.commits
      .filter(({ dropId }) => kernel.drops.has(dropId))
      .map(({ commit, dropId }) => `${commit.slice(0, 12)} (drop ${dropId})`);
    return {
      state: 'fixed-by-reboot',
      code: 'in-kernel',
      why: `its kernel ${kernel.version} was built with ${listed(own)}`,
    };
  }
  const { fixes, version, isBefore } = kernel;
  if (fixes.length === 0 && !isBefore) {
    return {
      state: 'unknown',
      code: 'unrelated',
      why: `no commit or fix of ${cveId} is known for its kernel ${version}`,
    };
  }
  return onKernel(cveId, kernel, unseated, reports);
}

function onKernel(
  cveId: string,
  kernel: KernelExposure,
  unseated: Judged['unseated'],
  reports: readonly Reported[],
): Verdict {
  const { fixes } = kernel;
  const live = new Set(reports.filter((one) => one.live).flatMap(({ fixIds }) => fixIds));
  const commits = kernel.commits.filter(({ dropId }) => fixes.some((fix) => fix.dropId === dropId));
  if (cvesClosed(live, fixes, commits).fixed.includes(cveId)) {
    const by = reports.filter((one) => one.live).map(({ bundleId }) => bundleId);
    return { state: 'fixed-live', code: 'live', why: `live in its kernel ${kernel.version} by ${listed(by)}` };
  }
  const covered = new Set(fixes.map(({ commit }) => commit));
  const uncovered = commits.filter(({ commit }) => !covered.has(commit));
  const missing = [
    ...fixes.filter(({ fixId }) => !live.has(fixId)).map((fix) => missingBecause(fix, reports)),
    ...uncovered.map(({ commit }) => `commit ${commit.slice(0, 12)} names it and is no fix for this kernel yet`),
  ];
  const why = fixes.length === 0 ? [`no live patch was made for its kernel ${kernel.version}`] : missing;
  // Not what is only a matter of time: for this machine it is none.
  const gone = unseated === undefined ? [] : [`it was ${unseated} and gets nothing new`];
  const reboot = kernel.fixedIn.length === 0 ? [] : [`kernel ${listed(kernel.fixedIn)} has it built in`];
  return { state: 'exposed', code: codeOf(kernel, live, reports), why: [...gone, ...why, ...reboot].join('; ') };
}

function codeOf({ fixes }: KernelExposure, live: ReadonlySet<string>, reports: readonly Reported[]): ExposureCode {
  if (fixes.some(({ fixId }) => live.has(fixId))) return 'live-in-part';
  const isOnItsWay = fixes.some(({ bundle }) => bundle?.state === 'promoted') || reports.length > 0;
  return isOnItsWay ? 'not-applied' : 'no-patch';
}

/** Why a fix isn't live: how far the fix itself is, or what the machine last said of its bundle. */
function missingBecause(fix: CveFix, reports: readonly Reported[]): string {
  const { fixId, state, bundle } = fix;
  if (state === 'refused') return `fix ${fixId} can’t be a live patch`;
  if (state === 'proposed') return `fix ${fixId} is not built yet`;
  const report = reports.findLast(({ fixIds }) => fixIds.includes(fixId));
  if (bundle?.state === 'recalled') return `bundle ${bundle.bundleId} was recalled`;
  if (report !== undefined) return `bundle ${report.bundleId} ${saidOf(report)}`;
  if (bundle === undefined) return `fix ${fixId} is in no bundle yet`;
  if (bundle.state !== 'promoted') return `bundle ${bundle.bundleId} was not promoted yet`;
  return `bundle ${bundle.bundleId} is promoted to ${bundle.tier ?? 'a tier'} and it has not reported it`;
}

function saidOf({ state }: Reported): string {
  const said = {
    staged: 'was fetched and is not applied',
    applied: 'was applied to a kernel that no longer runs',
    stalled: 'is held up by tasks that sleep in an old function',
    reversed: 'was taken back',
    replaced: 'was replaced by a level that has it not live',
    failed: 'failed to apply',
  };
  return said[state];
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}
