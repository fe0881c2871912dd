import { type Fact, fact, type KernelIdentity, type MetadataFile } from '#libs/contracts';
import type { BlobStore } from '#libs/blobs';
import type { EventStore, StreamName } from '#libs/eventstore';
import { parseEnvelope } from '#libs/tuf';
import { livePatch, replaced } from './live-patch.js';
import type { Population, Release } from './population.js';

/** Appends on their way at once. */
const lanes = 256;
/** What one event names at most, as the stage itself keeps it. */
const filesAtOnce = 500;
const bundlesAtOnce = 2_000;

type Commit = readonly [stream: StreamName, facts: readonly Fact[]];

/** What the stages before have left in the log and the blobs: kernels, signed bundles, and the metadata that vouches for them. */
export class Estate {
  #digest = '';
  #commands = 0;

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly population: Population,
  ) {}

  /** Writes all of it. */
  async write(): Promise<void> {
    this.#digest = (await this.blobs.put(Buffer.from('of no bundle that is looked at'))).digest;
    const commits = this.#commits();
    const lane = async (): Promise<void> => {
      for (const [stream, facts] of commits) await this.#append(stream, facts);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    await this.#publications();
  }

  /** A fix that was built for a release: what makes the stage sign and publish. @returns when it was asked to. */
  async build(release: number, fixId: string): Promise<number> {
    const symbols = ['do_fcntl', 'vfs_read', 'tcp_sendmsg'];
    const name = fixId.replaceAll('-', '_');
    const module = await this.blobs.put(livePatch(name, kernelOf(this.#at(release)), symbols));
    const source = { kind: 'patch' as const };
    const about = { subject: 'fcntl: check it', cves: ['CVE-2026-1'], confidence: 1, paths: ['fs/fcntl.c'] };
    const patch = this.#digest;
    const proposed = { fixId, kernelId: kernelIdOf(release), baseTree: 'c'.repeat(40), patch, source, ...about };
    const object = { path: 'fs/fcntl.o', owner: 'vmlinux', original: this.#digest, patched: this.#digest };
    const before: Fact[] = [
      fact('FixProposed', proposed),
      fact('ObjectsBuilt', { fixId, objects: [object], durationMs: 1 }),
    ];
    const revision = await this.#append(`fix.${fixId}`, before);
    const built = fact('HotPatchBuilt', {
      fixId,
      kernelId: kernelIdOf(release),
      module: { name, digest: module.digest, sizeBytes: module.sizeBytes },
      functions: symbols.map(replaced),
      runPre: { matched: 1, checked: 1 },
      warnings: [],
      durationMs: 1,
    });
    const began = performance.now();
    await this.#append(`fix.${fixId}`, [built], revision);
    return began;
  }

  *#commits(): Generator<Commit> {
    for (const [n, one] of this.population.releases.entries()) {
      const kernelId = kernelIdOf(n);
      yield [`kernel.${kernelId}`, this.#kernel(kernelId, kernelOf(one))];
      for (const { name, sha256, length } of one.bundles) {
        const bundleId = name.replace('.tar.gz', '');
        const files = { manifest: this.#digest, artefact: sha256, sizeBytes: length };
        yield [
          `bundle.${bundleId}`,
          [
            fact('BundleAssembled', { bundleId, fixIds: [bundleId], kernelId, ...files }),
            fact('BundleSigned', { bundleId, signature: this.#digest, keyIds: ['bench'] }),
          ],
        ];
      }
    }
  }

  #kernel(kernelId: string, kernel: KernelIdentity): Fact[] {
    const digest = this.#digest;
    const packages = (['image', 'headers'] as const).map((role) => ({
      role,
      fileName: `linux-${role}.deb`,
      digest,
      sizeBytes: 1,
    }));
    const files = { config: digest, symvers: digest, kallsyms: digest, btf: digest };
    const counts = { symbols: 1, exports: 1, btfTypes: 1 };
    return [
      fact('KernelReceived', { kernelId, distro: kernel.distro, packages }),
      fact('KernelImported', { kernelId, kernel, compiler: 'gcc-12', ...files, counts, durationMs: 1 }),
    ];
  }

  async #publications(): Promise<void> {
    const files: MetadataFile[] = [];
    for (const [name, bytes] of this.population.files) {
      const { digest, sizeBytes } = await this.blobs.put(bytes);
      if (name !== 'timestamp.json') files.push({ name, digest, sizeBytes });
    }
    const stamp = this.population.files.get('timestamp.json') ?? Buffer.alloc(0);
    const { digest, sizeBytes } = await this.blobs.put(stamp);
    const [root] = files.filter(({ name }) => name === '1.root.json');
    if (root === undefined) throw new Error('there is no root');
    const published = files.filter((one) => one !== root);
    const { role } = parseEnvelope('timestamp', stamp);
    const expiresAt = new Date(role.expiresMs).toISOString();
    const versions = { timestamp: role.version, snapshot: role.snapshot.version, expiresAt };
    const ids = this.population.releases.flatMap(({ bundles }) => bundles.map(({ name }) => name.split('.')[0] ?? ''));
    const rootEnd = new Date(parseEnvelope('root', this.population.root).role.expiresMs).toISOString();
    let revision = await this.#append('metadata.tuf', [
      fact('RootPublished', { version: 1, file: root, expiresAt: rootEnd }),
    ]);
    const parts = Math.max(Math.ceil(published.length / filesAtOnce), Math.ceil(ids.length / bundlesAtOnce));
    for (let part = 0; part < parts; part++) {
      const some = published.slice(part * filesAtOnce, (part + 1) * filesAtOnce);
      const said = fact('MetadataPublished', {
        ...versions,
        files: [...some, { name: 'timestamp.json', digest, sizeBytes }],
        bundleIds: ids.slice(part * bundlesAtOnce, (part + 1) * bundlesAtOnce),
      });
      revision = await this.#append('metadata.tuf', [said], revision);
    }
  }

  async #append(stream: StreamName, facts: readonly Fact[], revision = 0): Promise<number> {
    this.#commands += 1;
    const context = { actor: 'bench', commandId: `bench-${this.#commands}`, correlationId: 'bench' };
    return (await this.events.appendToStream(stream, revision, facts, context)).revision;
  }

  #at(release: number): Release {
    const one = this.population.releases[release];
    if (one === undefined) throw new RangeError(`there is no release ${release}`);
    return one;
  }
}

function kernelIdOf(release: number): string {
  return `k${release}`;
}

function kernelOf({ channel, release }: Release): KernelIdentity {
  const [distro = '', arch] = channel.split('-');
  if (arch !== 'x86_64') throw new Error(`${channel} is of another architecture`);
  const vermagic = `${release} SMP preempt mod_unload modversions `;
  return { distro, arch, release, version: '6.1.190-1', buildId: 'ab'.repeat(20), vermagic };
}
