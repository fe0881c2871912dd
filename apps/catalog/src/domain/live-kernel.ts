import { digestOf } from '#libs/contracts';

/**
 * The version that a kernel with live patches amounts to: `<version>+live.<n>.<digest>`, n = how many fixes are applied,
 * digest = the first 8 hex digits of the SHA-256 over their sorted bundle ids. Two machines say the same only if they run the
 * same fixes, in whatever order those came. Without live patches it is the version itself.
 */
export function effectiveKernel(version: string, bundleIds: readonly string[]): string {
  if (bundleIds.length === 0) return version;
  const digest = digestOf([...bundleIds].sort().join('\n')).slice(0, 8);
  return `${version}+live.${bundleIds.length}.${digest}`;
}

/** A fix for the machine's kernel. */
export interface KnownFix {
  readonly fixId: string;
  /** The commit that it was made from; absent for somebody's own patch. */
  readonly commit?: string;
  readonly cves: readonly string[];
}

/** A commit of a split drop that names a CVE. */
export interface NamingCommit {
  readonly cveId: string;
  readonly commit: string;
}

/**
 * The CVEs that the applied fixes close, and those that they close only in part: a CVE that several commits or fixes name is
 * fixed when all of them are applied. Saying "fixed" too early is worse than saying it late.
 */
export function cvesClosed(
  applied: ReadonlySet<string>,
  fixes: readonly KnownFix[],
  commits: readonly NamingCommit[],
): { readonly fixed: readonly string[]; readonly inPart: readonly string[] } {
  const live = fixes.filter(({ fixId }) => applied.has(fixId));
  const liveCommits = new Set(live.map(({ commit }) => commit));
  const open = new Set<string>();
  for (const { cveId, commit } of commits) if (!liveCommits.has(commit)) open.add(cveId);
  for (const { fixId, commit, cves } of fixes) {
    const isLive = applied.has(fixId) || (commit !== undefined && liveCommits.has(commit));
    if (!isLive) for (const cveId of cves) open.add(cveId);
  }
  const touched = [...new Set(live.flatMap(({ cves }) => cves))].sort();
  return { fixed: touched.filter((cveId) => !open.has(cveId)), inPart: touched.filter((cveId) => open.has(cveId)) };
}
