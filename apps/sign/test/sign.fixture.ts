import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { BlobStore, MemoryBlobStore } from '#libs/blobs';
import { type Fact, fact, type KernelIdentity, type Series } from '#libs/contracts';
import { EventStore, MemoryEventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { Clock, ServiceConfig, SystemClock } from '#libs/service';
import { Sign } from '../src/sign.js';
import { SignModule } from '../src/sign.module.js';
import { Tokens } from '../src/tokens.js';

/** Sign as it runs, on stores in memory and a data folder of its own. */
export interface SignUnderTest {
  readonly url: string;
  readonly sign: Sign;
  readonly tokens: Tokens;
  readonly events: MemoryEventStore;
  readonly blobs: MemoryBlobStore;
  readonly dataDir: string;
  stop(): Promise<void>;
}

export async function startSign(dataDir?: string): Promise<SignUnderTest> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'splicecast-sign-')));
  const events = new MemoryEventStore();
  const blobs = new MemoryBlobStore();
  const providers = [
    { provide: EventStore, useValue: events },
    { provide: BlobStore, useValue: blobs },
    { provide: Clock, useClass: SystemClock },
    { provide: ServiceConfig, useValue: ServiceConfig.from({ SPLICECAST_DATA: folder }) },
  ];
  class MemoryPlatform {}
  Global()(MemoryPlatform);
  Module({ providers, exports: providers })(MemoryPlatform);
  const module = await Test.createTestingModule({ imports: [MemoryPlatform, SignModule] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    sign: app.get(Sign),
    tokens: app.get(Tokens),
    events,
    blobs,
    dataDir: folder,
    async stop() {
      await app.close();
      await events.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const kernel: KernelIdentity = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP preempt mod_unload modversions ',
};

/** Bytes with a module's `.modinfo` in them. */
export function moduleBytes(info: { name?: string; vermagic?: string; livepatch?: string } = {}): Buffer {
  const all = { license: 'GPL', livepatch: 'Y', name: 'sc_fix1', vermagic: kernel.vermagic, ...info };
  const strings = Object.entries(all).map(([key, value]) => `${key}=${value}\0`);
  return Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0'), Buffer.from(strings.join('')), Buffer.alloc(500, 7)]);
}

let commands = 0;

/** Appends facts, whatever stands before. @returns the last of them, as recorded. */
export async function record(events: EventStore, stream: StreamName, ...facts: Fact[]): Promise<RecordedEvent> {
  const { revision } = await events.readStream(stream);
  commands += 1;
  await events.appendToStream(stream, revision, facts, {
    actor: 'test',
    commandId: `t${commands}`,
    correlationId: 'drop-1',
  });
  const recorded = (await events.readStream(stream)).events.at(-1);
  if (recorded === undefined) throw new Error('nothing was recorded');
  return recorded;
}

const digest = (letter: string): string => letter.repeat(64);

/** The story of a fix up to its hot patch. @returns the event that asks for a bundle. */
export async function buildFix(
  { events, blobs }: SignUnderTest,
  module: Buffer,
  changed: { readonly moduleName?: string; readonly proposedKernel?: string; readonly brings?: readonly string[] } = {},
): Promise<RecordedEvent> {
  await record(
    events,
    'kernel.k1',
    fact('KernelImported', {
      kernelId: 'k1',
      kernel,
      compiler: 'gcc-12',
      config: digest('1'),
      symvers: digest('2'),
      kallsyms: digest('3'),
      btf: digest('4'),
      counts: { symbols: 1, exports: 1, btfTypes: 1 },
      durationMs: 1,
    }),
  );
  await record(
    events,
    'fix.f1',
    fact('FixProposed', {
      fixId: 'f1',
      kernelId: changed.proposedKernel ?? 'k1',
      baseTree: 'c'.repeat(40),
      patch: digest('5'),
      source: { kind: 'commit', dropId: 'd1', commit: 'd'.repeat(40) },
      subject: 'fcntl: check it',
      cves: ['CVE-2026-1'],
      confidence: 1,
      paths: ['fs/fcntl.c'],
    }),
  );
  const ref = await blobs.put(module);
  const replaced = {
    object: 'vmlinux',
    symbol: 'do_fcntl',
    sympos: 0,
    objectFile: 'fs/fcntl.o',
    oldSha256: digest('a'),
    newSha256: digest('b'),
    sizeBytes: 10,
  };
  return record(
    events,
    'fix.f1',
    fact('HotPatchBuilt', {
      fixId: 'f1',
      kernelId: 'k1',
      module: { name: changed.moduleName ?? 'sc_fix1', digest: ref.digest, sizeBytes: ref.sizeBytes },
      functions: [replaced],
      runPre: { matched: 1, checked: 1 },
      warnings: [],
      ...(changed.brings === undefined
        ? {}
        : { brings: changed.brings.map((commit) => ({ commit, subject: 'as the builder has it', why: 'brings it' })) }),
      durationMs: 1,
    }),
  );
}

/** Splits the fix's drop into an attributed commit of each id, and a remainder. */
export async function splitDrop(
  { events, blobs }: SignUnderTest,
  attributed: readonly string[],
  remainder: string,
): Promise<void> {
  const common = { parent: 'c'.repeat(40), tree: 'd'.repeat(40), confidence: 1, paths: ['fs/fcntl.c'] };
  const lines = { insertions: 1, deletions: 1 };
  const commits = [
    ...attributed.map((commit) => ({
      ...common,
      ...lines,
      commit,
      kind: 'attributed' as const,
      subject: `fcntl: prepare ${commit.slice(0, 2)}`,
      cves: ['CVE-2026-2'],
    })),
    { ...common, ...lines, commit: remainder, kind: 'remainder' as const, subject: 'fs: the rest', cves: [] },
  ];
  const tree = 'c'.repeat(40);
  const series = await blobs.put(
    Buffer.from(JSON.stringify({ schema: 1, baseTree: tree, targetTree: tree, commits } satisfies Series)),
  );
  await record(
    events,
    'drop.d1',
    fact('DropSplit', {
      dropId: 'd1',
      base: 'd0',
      series: series.digest,
      head: remainder,
      commits: commits.length,
      attributed: attributed.length,
      remainders: 1,
      files: 1,
      ...lines,
      proof: { baseTree: tree, targetTree: tree, replayedTree: tree },
      durationMs: 1,
    }),
  );
}
