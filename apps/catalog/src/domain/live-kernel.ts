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
