import { randomBytes, randomInt } from 'node:crypto';
import {
  encodeComponent,
  makeRoot,
  makeTopTargets,
  MemoryFiles,
  type NewTarget,
  releaseRole,
  Repository,
  standardPolicy,
} from '#libs/tuf';
import { Keys } from './keys.js';

/** That of the machine which is looked at. */
export const ownChannel = 'debian-x86_64';

/** How much there is. */
export interface Shape {
  /** Kernel releases in all. */
  readonly releases: number;
  /** Bundles of each. */
  readonly bundles: number;
  /** Distributions times architectures. */
  readonly channels: number;
}

/** A kernel release, and what is published for it. */
export interface Release {
  readonly channel: string;
  readonly release: string;
  readonly bundles: readonly NewTarget[];
}

/** A repository as it is after some years. */
export interface Population {
  readonly keys: Keys;
  readonly root: Buffer;
  readonly nowMs: number;
  readonly releases: readonly Release[];
  /** What is current of its files. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** One bundle short of full in each release: the one that is published while the clock runs comes on top. */
export async function populate({ releases: count, bundles, channels: width }: Shape): Promise<Population> {
  const nowMs = Date.now();
  const keys = new Keys();
  const channels = Array.from({ length: width }, (_, index) => (index === 0 ? ownChannel : `distro${index}-x86_64`));
  const root = await makeRoot(1, keys.holders, keys.of('root').slice(0, 3), standardPolicy, nowMs);
  const memory = new MemoryFiles();
  const building = await Repository.open(memory, keys.online, standardPolicy);
  await building.publishRoot(root, nowMs);
  const signing = keys.of('targets').slice(0, 2);
  const top = await makeTopTargets(undefined, channels, keys.online, signing, standardPolicy, nowMs);
  await building.publishTopTargets(top, nowMs);
  const releases: Release[] = [];
  for (let index = 0; index < count; index++) {
    const channel = channels[index % channels.length] ?? '';
    const one = { channel, release: releaseName(index), bundles: Array.from({ length: bundles - 1 }, newBundle) };
    pretendHistory(memory, releaseRole(channel, one.release), bundles);
    await building.addBundles(channel, one.release, one.bundles, nowMs);
    releases.push(one);
    forgetOld(memory);
  }
  return { keys, root, nowMs, releases, files: memory.files };
}

/** Digests are random, as they are: a repeated one would make gzip look better than it is. */
export function newBundle(): NewTarget {
  const name = `${randomBytes(10).toString('hex')}.tar.gz`;
  return { name, length: randomInt(20_000, 4_000_000), sha256: randomBytes(32).toString('hex') };
}

/** Names as distributions give them, the longer kind for every second one. */
function releaseName(index: number): string {
  if (index % 2 === 0) return `6.1.0-${index}-amd64`;
  return `5.14.0-${index}.${randomInt(1, 60)}.${randomInt(1, 4)}.el9_${randomInt(0, 8)}.x86_64`;
}

/** Versions are taken as if each bundle had been published on its own, and the role signed again a few times since. */
function pretendHistory({ files }: MemoryFiles, role: string, bundles: number): void {
  const versions = bundles + randomInt(0, 40);
  for (let version = 1; version < versions; version++) {
    files.set(`${version}.${encodeComponent(role)}.json`, new Uint8Array());
  }
}

/** Drops all but the newest version of each file: the bench's memory, and nobody reads them. */
function forgetOld({ files }: MemoryFiles): void {
  const newest = new Map<string, number>();
  for (const name of files.keys()) {
    const [, version, role] = /^(\d+)\.(.+)$/.exec(name) ?? [];
    if (role !== undefined) newest.set(role, Math.max(newest.get(role) ?? 0, Number(version)));
  }
  for (const name of files.keys()) {
    const [, version, role] = /^(\d+)\.(.+)$/.exec(name) ?? [];
    if (role !== undefined && Number(version) !== newest.get(role)) files.delete(name);
  }
}
