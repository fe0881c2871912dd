import type { Series, SeriesCommit } from '#libs/contracts';
import { selectCommits, unknownCommits } from '../src/domain/selection.js';

const idOf = (n: number): string => String(n).padStart(40, '0');

function commit(n: number, paths: string[], more: Partial<SeriesCommit> = {}): SeriesCommit {
  return {
    commit: idOf(n),
    parent: idOf(n - 1),
    tree: idOf(n),
    kind: 'attributed',
    subject: `commit ${n}`,
    cves: [],
    confidence: 0.5,
    paths,
    insertions: 1,
    deletions: 1,
    ...more,
  };
}

const cves = ['CVE-2026-1'];
const series: Series = {
  schema: 1,
  baseTree: idOf(0),
  targetTree: idOf(9),
  commits: [
    commit(1, ['drivers/net/a.c']),
    commit(2, ['drivers/net/b.c'], { cves }),
    commit(3, ['fs/pipe.c']),
    commit(4, ['fs/a.c', 'fs/b.c'], { cves }),
    commit(5, ['net/core/dev.c'], { cves }),
    commit(6, ['mm/slab.c'], { cves, confidence: 0.9 }),
    commit(7, ['Documentation/x.rst', 'tools/perf/a.c', 'arch/arm64/mm/fault.c'], { cves, confidence: 0.95 }),
    commit(8, ['kernel/fork.c'], { kind: 'remainder', label: 'kernel', cves }),
    commit(9, ['arch/x86/mm/fault.c', 'include/linux/mm.h']),
  ],
};
const chosen = (selection: Parameters<typeof selectCommits>[1]): number[] =>
  selectCommits(series, selection).map((one) => Number(one.commit));

describe('commits to propose', () => {
  it('are those with a CVE in core code first, then core code, then other CVEs; surer and smaller ones before', () => {
    expect(chosen({})).toEqual([6, 5, 4, 3, 2, 1, 9]);
  });

  it('are limited, and may be those with a CVE only', () => {
    expect(chosen({ limit: 2 })).toEqual([6, 5]);
    expect(chosen({ cveOnly: true })).toEqual([6, 5, 4, 2]);
  });

  it('are exactly those named, in the order of the series, remainders too', () => {
    expect(chosen({ commits: [idOf(8), idOf(7)] })).toEqual([7, 8]);
    expect(unknownCommits(series, [idOf(8), idOf(77)])).toEqual([idOf(77)]);
  });
});
