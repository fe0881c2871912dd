import type { SourceTree } from '#libs/kbuild';
import { type FileDiff, FileHistory, type Footing, parseDiff } from '#libs/series';
import { introducersOf, type SeriesDiffs } from './introducers.js';
import type { MissingName } from './missing-names.js';
import type { FixSeries } from './series.js';

const nothing: Footing = { needed: new Set(), near: new Set(), sharing: new Set() };

/** A series as the search for what a fix rests on asks it. What was read stays: many fixes ask the same. */
export class SeriesHistory {
  private readonly places: ReadonlyMap<string, number>;
  private readonly files = new Map<string, Promise<FileHistory>>();
  private whole: Promise<SeriesDiffs> | undefined;

  /** The source that the series begins with. */
  readonly base: SourceTree;

  constructor(readonly series: FixSeries) {
    const { baseTree } = series;
    this.base = {
      read: async (path) => await series.readFile(baseTree, path),
      walk: {
        identity: async () => await Promise.resolve(baseTree),
        files: (wanted) => series.files(baseTree, wanted),
      },
    };
    this.places = new Map(series.commits.map(({ commit }, place) => [commit, place]));
  }

  placeOf(commit: string): number | undefined {
    return this.places.get(commit);
  }

  /** What a commit's changes to a file rest on. @throws HistoryError */
  async footing(commit: number, path: string): Promise<Footing> {
    const changes = this.series.commits[commit]?.paths.includes(path) === true;
    return changes ? (await this.file(path)).footing(commit) : nothing;
  }

  /** A file with those commits and no others; undefined if it isn't there then. @throws HistoryError */
  async content(path: string, commits: ReadonlySet<number>): Promise<Buffer | undefined> {
    const text = (await this.file(path)).content(commits);
    return text === undefined ? undefined : Buffer.from(text, 'latin1');
  }

  /** The commits that bring a name, in order. */
  async introducers(missing: MissingName): Promise<readonly number[]> {
    this.whole ??= this.read();
    return introducersOf(missing, await this.whole);
  }

  private async file(path: string): Promise<FileHistory> {
    const known = this.files.get(path);
    if (known) return await known;
    const reading = this.readFile(path);
    this.files.set(path, reading);
    return await reading;
  }

  private async readFile(path: string): Promise<FileHistory> {
    const base = await this.base.read(path);
    const diffs = (await this.read(path)).flatMap(([commit, files]) =>
      files.filter((file) => file.path === path).map((file): [number, FileDiff] => [commit, file]),
    );
    return new FileHistory(path, base?.toString('latin1'), diffs);
  }

  private async read(path?: string): Promise<SeriesDiffs> {
    return (await this.series.diffs(path)).flatMap(({ commit, diff }) => {
      const place = this.places.get(commit);
      return place === undefined ? [] : [[place, parseDiff(diff)] as const];
    });
  }
}
