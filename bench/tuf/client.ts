import {
  FolderFiles,
  initialise,
  MemoryStore,
  type NewTarget,
  releaseRole,
  Repository,
  standardPolicy,
  update,
} from '#libs/tuf';
import { type Cost, costOf, medianCost } from './cost.js';
import { type Bytes, CountingFetcher } from './counting-fetcher.js';
import { newBundle, type Population } from './population.js';

const rounds = 15;
const noBytes: Bytes = { raw: 0, gzip: 0 };

/** What a machine fetches, and what it and the library of the publisher take for it. No network is in the times. */
export interface ClientReport {
  readonly coldStart: Bytes & { readonly files: Readonly<Record<string, Bytes>> };
  readonly newPatch: Bytes;
  readonly nothingNew: Bytes;
  readonly newRelease: Bytes;
  readonly publish: Cost;
  readonly publishNewRelease: Cost;
  readonly coldUpdate: Cost;
  readonly newPatchUpdate: Cost;
}

/** Publishes into files of a folder, with fsync, and looks as a machine does that has nothing, and one that has all but the newest. */
export async function measureClient(folder: string, population: Population): Promise<ClientReport> {
  const { keys, root, nowMs, releases } = population;
  const files = new FolderFiles(folder);
  for (const [name, bytes] of population.files) await files.write(name, bytes);
  const repository = await Repository.open(files, keys.online, standardPolicy);
  const costs = { publish: [] as Cost[], newRelease: [] as Cost[], cold: [] as Cost[], warm: [] as Cost[] };
  let cold = new CountingFetcher(files);
  let [newPatch, nothingNew, newRelease] = [noBytes, noBytes, noBytes];
  for (let round = 0; round < rounds; round++) {
    const { channel = '', release = '' } = releases[Math.floor((round * releases.length) / rounds)] ?? {};
    const store = new MemoryStore();
    await initialise(store, root);
    const look = async ({ name }: NewTarget, of = release): Promise<{ fetcher: CountingFetcher; cost: Cost }> => {
      const fetcher = new CountingFetcher(files);
      const cost = await costOf(async () => {
        const newest = await update({ store, metadata: fetcher, targets: fetcher }, nowMs);
        await newest.find(`${releaseRole(channel, of)}/${name}`);
      });
      const { countingMs } = fetcher;
      return { fetcher, cost: { ms: cost.ms - countingMs, cpuMs: Math.max(0, cost.cpuMs - countingMs) } };
    };
    const publish = (bundle: NewTarget, to = release) =>
      costOf(() => repository.addBundles(channel, to, [bundle], nowMs));

    const bundle = newBundle();
    costs.publish.push(await publish(bundle));
    const first = await look(bundle);
    cold = first.fetcher;
    costs.cold.push(first.cost);
    nothingNew = (await look(bundle)).fetcher.total;

    const next = newBundle();
    await publish(next);
    const patched = await look(next);
    newPatch = patched.fetcher.total;
    costs.warm.push(patched.cost);

    const [fresh, freshRelease] = [newBundle(), `9.${round}.0-amd64`];
    costs.newRelease.push(await publish(fresh, freshRelease));
    newRelease = (await look(fresh, freshRelease)).fetcher.total;
  }
  return {
    coldStart: { ...cold.total, files: cold.files },
    newPatch,
    nothingNew,
    newRelease,
    publish: medianCost(costs.publish),
    publishNewRelease: medianCost(costs.newRelease),
    coldUpdate: medianCost(costs.cold),
    newPatchUpdate: medianCost(costs.warm),
  };
}
