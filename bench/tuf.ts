// What trust costs at scale: the bytes that a machine fetches, and the time that publishing and verifying take.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import Table from 'cli-table3';
import {
  type Allowance,
  encodeComponent,
  Ed25519Signer,
  Fetcher,
  FolderFiles,
  initialise,
  makeRoot,
  makeTopTargets,
  MemoryFiles,
  MemoryStore,
  type NewTarget,
  releaseRole,
  Repository,
  standardPolicy,
  type TargetFile,
  update,
  verifyTarget,
} from '#libs/tuf';

const usage = `npm run bench:tuf -- [--releases N] [--bundles N] [--channels N] [--json]

  --releases N   kernel releases in all (default 1000)
  --bundles N    bundles of each, at most 248 (default 50)
  --channels N   distributions times architectures (default 20)
  --json         for programs
`;

const bundleBytes = randomBytes(200_000);
const rounds = 15;

interface Shape {
  readonly releases: number;
  readonly bundles: number;
  readonly channels: number;
}

interface Bytes {
  raw: number;
  gzip: number;
}

interface Report {
  readonly schema: 1;
  readonly cpus: number;
  readonly releases: number;
  readonly bundles: number;
  readonly channels: number;
  readonly coldStart: Bytes & { readonly files: Readonly<Record<string, Bytes>> };
  readonly newPatch: Bytes;
  readonly nothingNew: Bytes;
  readonly newRelease: Bytes;
  /** Medians, in milliseconds. */
  readonly publishMs: number;
  readonly publishNewReleaseMs: number;
  readonly coldUpdateMs: number;
  readonly newPatchUpdateMs: number;
  readonly verifyBundleMs: number;
}

const noBytes: Bytes = { raw: 0, gzip: 0 };

/** Brings the repository's files as a mirror would, and counts: as they are, and as HTTP's gzip makes them. */
class CountingFetcher extends Fetcher {
  readonly files: Record<string, Bytes> = {};
  /** Not the client's time. */
  countingMs = 0;

  constructor(readonly source: FolderFiles) {
    super();
  }

  override async fetch(name: string, { maxBytes }: Allowance): Promise<Buffer | undefined> {
    const found = await this.source.read(name);
    if (found === undefined || found.length > maxBytes) return undefined;
    const begin = performance.now();
    this.files[name] = { raw: found.length, gzip: gzipSync(found).length };
    this.countingMs += performance.now() - begin;
    return Buffer.from(found);
  }

  get total(): Bytes {
    const sum = { raw: 0, gzip: 0 };
    for (const { raw, gzip } of Object.values(this.files)) {
      sum.raw += raw;
      sum.gzip += gzip;
    }
    return sum;
  }
}

function signers(count: number): Ed25519Signer[] {
  return Array.from({ length: count }, () => Ed25519Signer.generate());
}

/** Digests are random, as they are: a repeated one would make gzip look better than it is. */
function newBundle(): NewTarget {
  const name = `${randomBytes(10).toString('hex')}.tar.gz`;
  return { name, length: randomInt(20_000, 4_000_000), sha256: randomBytes(32).toString('hex') };
}

/** The bundle that is verified for real. */
function knownBundle(): NewTarget {
  const sha256 = createHash('sha256').update(bundleBytes).digest('hex');
  return { ...newBundle(), length: bundleBytes.length, sha256 };
}

/** Names as distributions give them, the longer kind for every second one. */
function releaseName(index: number): string {
  if (index % 2 === 0) return `6.1.0-${index}-amd64`;
  return `5.14.0-${index}.${randomInt(1, 60)}.${randomInt(1, 4)}.el9_${randomInt(0, 8)}.x86_64`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await act();
  return performance.now() - begin;
}

/** Fills a repository in memory, and puts what is current of it on the disk. */
async function fill(folder: string, shape: Shape) {
  const nowMs = Date.now();
  const root = signers(5);
  const targets = signers(3);
  const online = {
    channel: signers(2),
    release: signers(2),
    recall: signers(2),
    snapshot: signers(1),
    timestamp: signers(1),
  };
  const channels = Array.from({ length: shape.channels }, (_, index) => `distro${index}-amd64`);
  const holders = { root, targets, snapshot: online.snapshot, timestamp: online.timestamp };
  const pinned = await makeRoot(1, holders, root.slice(0, 3), standardPolicy, nowMs);
  const memory = new MemoryFiles();
  const building = await Repository.open(memory, online, standardPolicy);
  await building.publishRoot(pinned);
  const top = await makeTopTargets(undefined, channels, online, targets.slice(0, 2), standardPolicy, nowMs);
  await building.publishTopTargets(top, nowMs);
  const releases: [string, string][] = [];
  for (let index = 0; index < shape.releases; index++) {
    const channel = channels[index % channels.length] ?? '';
    const release = releaseName(index);
    pretendHistory(memory, releaseRole(channel, release), shape.bundles);
    // One short of full: the one that is published while the clock runs comes on top.
    await building.addBundles(channel, release, Array.from({ length: shape.bundles - 1 }, newBundle), nowMs);
    releases.push([channel, release]);
    forgetOld(memory);
  }
  const files = new FolderFiles(folder);
  for (const [name, bytes] of memory.files) await files.write(name, bytes);
  return { files, pinned, nowMs, releases, channels, repository: await Repository.open(files, online, standardPolicy) };
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

async function measure(folder: string, shape: Shape): Promise<Report> {
  const { files, pinned, nowMs, releases, channels, repository } = await fill(folder, shape);
  const times = { publish: [] as number[], newRelease: [] as number[], cold: [] as number[], warm: [] as number[] };
  const verifying: number[] = [];
  let cold = new CountingFetcher(files);
  let [newPatch, nothingNew, newRelease] = [noBytes, noBytes, noBytes];
  for (let round = 0; round < rounds; round++) {
    const [channel, release] = releases[Math.floor((round * releases.length) / rounds)] ?? ['', ''];
    const pathOf = ({ name }: NewTarget, of = release): string => `${releaseRole(channel, of)}/${name}`;
    const store = new MemoryStore();
    await initialise(store, pinned);
    const look = async (path: string): Promise<{ target: TargetFile; fetcher: CountingFetcher; ms: number }> => {
      const fetcher = new CountingFetcher(files);
      const begin = performance.now();
      const target = await (await update({ store, metadata: fetcher, targets: fetcher }, nowMs)).find(path);
      return { target, fetcher, ms: performance.now() - begin - fetcher.countingMs };
    };

    const bundle = knownBundle();
    times.publish.push(await timed(() => repository.addBundles(channel, release, [bundle], nowMs)));
    const first = await look(pathOf(bundle));
    cold = first.fetcher;
    times.cold.push(first.ms);
    const again = await look(pathOf(bundle));
    nothingNew = again.fetcher.total;
    verifying.push(again.ms + (await timed(async () => verifyTarget(pathOf(bundle), bundleBytes, again.target))));

    const next = newBundle();
    await repository.addBundles(channel, release, [next], nowMs);
    const patched = await look(pathOf(next));
    newPatch = patched.fetcher.total;
    times.warm.push(patched.ms);

    const fresh = newBundle();
    const freshRelease = `9.${round}.0-amd64`;
    times.newRelease.push(await timed(() => repository.addBundles(channel, freshRelease, [fresh], nowMs)));
    newRelease = (await look(pathOf(fresh, freshRelease))).fetcher.total;
  }
  return {
    schema: 1,
    cpus: cpus().length,
    releases: releases.length,
    bundles: shape.bundles,
    channels: channels.length,
    coldStart: { ...cold.total, files: cold.files },
    newPatch,
    nothingNew,
    newRelease,
    publishMs: median(times.publish),
    publishNewReleaseMs: median(times.newRelease),
    coldUpdateMs: median(times.cold),
    newPatchUpdateMs: median(times.warm),
    verifyBundleMs: median(verifying),
  };
}

function kilo(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function show(report: Report): string {
  const style = { head: [], border: [], compact: true };
  const bytes = new Table({ head: ['a machine fetches', 'over HTTP (gzip)', 'as it is'], style });
  const row = (what: string, { raw, gzip }: Bytes): void => void bytes.push([what, kilo(gzip), kilo(raw)]);
  row('at its first start', report.coldStart);
  for (const [name, size] of Object.entries(report.coldStart.files)) row(`  ${decodeURIComponent(name)}`, size);
  row('for a new patch', report.newPatch);
  row('for a new kernel release', report.newRelease);
  row('when nothing is new', report.nothingNew);
  const times = new Table({ head: ['it takes (median)', 'ms'], style });
  times.push(
    ['to publish a bundle', report.publishMs.toFixed(0)],
    ['to publish the first of a release', report.publishNewReleaseMs.toFixed(0)],
    ['to verify everything at the first start', report.coldUpdateMs.toFixed(0)],
    ['to verify what a new patch brings', report.newPatchUpdateMs.toFixed(0)],
    [`to verify a bundle of ${kilo(bundleBytes.length)} and all above it`, report.verifyBundleMs.toFixed(0)],
  );
  const { releases, bundles, channels, cpus } = report;
  const shape = `${releases} releases x ${bundles} bundles in ${channels} channels, ${cpus} cpus`;
  return [shape, '', bytes.toString(), '', times.toString(), ''].join('\n');
}

function options(): (Shape & { json: boolean }) | undefined {
  const { values } = parseArgs({
    options: {
      releases: { type: 'string', default: '1000' },
      bundles: { type: 'string', default: '50' },
      channels: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const bounded = (name: 'releases' | 'bundles' | 'channels', max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > max) throw new TypeError(`--${name}: 1 to ${max}`);
    return value;
  };
  const [releases, bundles] = [bounded('releases', 10_000), bounded('bundles', 248)];
  return { releases, bundles, channels: bounded('channels', 100), json: values.json };
}

async function main(): Promise<void> {
  const asked = options();
  if (asked === undefined) {
    process.stdout.write(usage);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-bench-tuf-'));
  try {
    const report = await measure(folder, asked);
    process.stdout.write(asked.json ? `${JSON.stringify(report, null, 2)}\n` : show(report));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
