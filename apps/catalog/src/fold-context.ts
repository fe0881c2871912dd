import type { Digest } from '#libs/contracts';
import type { Commit } from '#libs/eventstore';
import type { Documents } from './ports.js';
import type { Context } from './projections/read-model.js';

/** Reads the documents that the folds of some commits will need, before their transaction begins. */
export async function contextOf(commits: readonly Commit[], documents: Documents): Promise<Context> {
  const series = new Read('series', (digest) => documents.series(digest));
  const hunkMaps = new Read('report', (digest) => documents.hunkMap(digest));
  const contents = new Read('content of a level', (digest) => documents.levelContent(digest));
  for (const { fact } of commits.flatMap((commit) => commit.events)) {
    if (fact.type === 'LevelBuilt') await contents.add(fact.data.content);
    if (fact.type !== 'DropSplit') continue;
    await series.add(fact.data.series);
    if (fact.data.report !== undefined) await hunkMaps.add(fact.data.report);
  }
  return {
    series: (digest) => series.get(digest),
    hunkMap: (digest) => hunkMaps.get(digest),
    levelContent: (digest) => contents.get(digest),
  };
}

/** Documents of one kind, each read once. */
class Read<T> {
  private readonly known = new Map<Digest, T>();

  constructor(
    private readonly what: string,
    private readonly read: (digest: Digest) => Promise<T>,
  ) {}

  async add(digest: Digest): Promise<void> {
    if (!this.known.has(digest)) this.known.set(digest, await this.read(digest));
  }

  get(digest: Digest): T {
    const document = this.known.get(digest);
    if (document === undefined) throw new Error(`${this.what} ${digest} was not read`);
    return document;
  }
}
