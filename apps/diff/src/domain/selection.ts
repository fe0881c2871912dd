import type { GitId, Series, SeriesCommit } from '#libs/contracts';

/** Which commits of a series are to become fixes. */
export interface Selection {
  /** Exactly these, remainders too. */
  readonly commits?: readonly GitId[];
  readonly limit?: number;
  /** Only commits that name a CVE. */
  readonly cveOnly?: boolean;
}

export const defaultLimit = 50;

/** Built into every kernel of a distribution, so a fix there is a fix for every machine. */
const core = /^(?:fs|kernel|net|mm|security|ipc|lib|block|crypto|io_uring)\//;
/** What is no code of an x86 kernel. */
const elsewhere = /^(?:Documentation|LICENSES|samples|scripts|tools|usr|arch\/(?!x86\/))/;
const code = /\.(?:c|h|S)$/;

/**
 * Chooses commits, the most promising first: those with a CVE in code that is built into every kernel, then that code, then other
 * CVEs, then the rest; the surer and the smaller first within each. A commit that touches no code of the kernel, and a remainder,
 * are only taken if they are named.
 */
export function selectCommits(series: Series, selection: Selection): readonly SeriesCommit[] {
  const { commits: named, limit = defaultLimit, cveOnly = false } = selection;
  if (named) {
    const wanted = new Set(named);
    return series.commits.filter(({ commit }) => wanted.has(commit));
  }
  const eligible = series.commits.filter(
    (one) => one.kind === 'attributed' && one.paths.some(isKernelCode) && (!cveOnly || one.cves.length > 0),
  );
  const order = new Map(eligible.map((one, at) => [one.commit, at]));
  const sorted = eligible.toSorted(
    (a, b) =>
      rankOf(a) - rankOf(b) ||
      b.confidence - a.confidence ||
      a.paths.length - b.paths.length ||
      (order.get(a.commit) ?? 0) - (order.get(b.commit) ?? 0),
  );
  return sorted.slice(0, limit);
}

/** Named commits that the series doesn't have. */
export function unknownCommits(series: Series, named: readonly GitId[] = []): readonly GitId[] {
  const known = new Set(series.commits.map(({ commit }) => commit));
  return named.filter((commit) => !known.has(commit));
}

function isKernelCode(path: string): boolean {
  return code.test(path) && !elsewhere.test(path);
}

function rankOf({ paths, cves }: SeriesCommit): number {
  const inCore = paths.some((path) => core.test(path) && path.endsWith('.c'));
  if (inCore) return cves.length > 0 ? 0 : 1;
  return cves.length > 0 ? 2 : 3;
}
