import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { MemoryBlobStore } from '#libs/blobs';
import { type Fact, fact, type Series } from '#libs/contracts';
import { type EventStore, MemoryEventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { Clock, memoryPlatform, PlatformModule, ProblemFilter, ServiceConfig } from '#libs/service';
import { GitTreeStore } from '#libs/trees';
import { kernelFacts, madeKernel, patchedFunction } from '../../../test/made-facts.js';
import { Sign } from '../src/sign.js';
import { SignModule } from '../src/sign.module.js';
import { Tokens } from '../src/tokens.js';

export const adminToken = 'test-admin-token-of-the-signer';

/** A clock that tests move. */
export class TestClock extends Clock {
  offsetMs = 0;

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
}

/** What a restarted process finds. */
export interface SignState {
  readonly dataDir: string;
  readonly events: MemoryEventStore;
  readonly blobs: MemoryBlobStore;
  readonly clock: TestClock;
}

/** Sign as it runs, on stores in memory and a data folder of its own. */
export interface SignUnderTest {
  readonly url: string;
  readonly sign: Sign;
  readonly tokens: Tokens;
  readonly events: MemoryEventStore;
  readonly blobs: MemoryBlobStore;
  readonly dataDir: string;
  readonly clock: TestClock;
  get<T>(type: Type<T>): T;
  /** Ends the process and leaves everything as it is. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSign(before?: SignState): Promise<SignUnderTest> {
  const folder = before?.dataDir ?? (await mkdtemp(join(tmpdir(), 'splicecast-sign-')));
  const events = before?.events ?? new MemoryEventStore();
  const blobs = before?.blobs ?? new MemoryBlobStore();
  const clock = before?.clock ?? new TestClock();
  const platform = memoryPlatform({
    config: ServiceConfig.from({ SPLICECAST_DATA: folder }),
    trees: new GitTreeStore(join(folder, 'trees.git')),
    adminToken,
    events,
    blobs,
    clock,
  });
  // By itself, and not as a stage that is fed from the log: tests hand it one event at a time.
  const module = await Test.createTestingModule({ imports: [PlatformModule.with(platform), SignModule] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    sign: app.get(Sign),
    tokens: app.get(Tokens),
    events,
    blobs,
    dataDir: folder,
    clock,
    get: (type) => app.get(type),
    crash: () => app.close(),
    async stop() {
      await app.close();
      await events.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const kernel = madeKernel;

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
  changed: {
    readonly moduleName?: string;
    readonly proposedKernel?: string;
    readonly brings?: readonly string[];
    /** Anyone's own patch, of no drop. */
    readonly ownPatch?: boolean;
  } = {},
): Promise<RecordedEvent> {
  await record(events, 'kernel.k1', ...kernelFacts('k1', kernel));
  await record(
    events,
    'fix.f1',
    fact('FixProposed', {
      fixId: 'f1',
      kernelId: changed.proposedKernel ?? 'k1',
      baseTree: 'c'.repeat(40),
      patch: digest('5'),
      source: changed.ownPatch === true ? { kind: 'patch' } : { kind: 'commit', dropId: 'd1', commit: ownCommit },
      subject: 'fcntl: check it',
      cves: ['CVE-2026-1'],
      confidence: 1,
      paths: ['fs/fcntl.c'],
    }),
    fact('ObjectsBuilt', {
      fixId: 'f1',
      objects: [{ path: 'fs/fcntl.o', owner: 'vmlinux', original: digest('8'), patched: digest('9') }],
      durationMs: 1,
    }),
  );
  const ref = await blobs.put(module);
  return record(
    events,
    'fix.f1',
    fact('HotPatchBuilt', {
      fixId: 'f1',
      kernelId: 'k1',
      module: { name: changed.moduleName ?? 'sc_fix1', digest: ref.digest, sizeBytes: ref.sizeBytes },
      functions: [patchedFunction('do_fcntl', 'fs/fcntl.c')],
      runPre: { matched: 1, checked: 1 },
      warnings: [],
      ...(changed.brings === undefined
        ? {}
        : { brings: changed.brings.map((commit) => ({ commit, subject: 'as the builder has it', why: 'brings it' })) }),
      durationMs: 1,
    }),
  );
}

/** The commit that the fix is. */
export const ownCommit = 'd'.repeat(40);

/**
 * Splits the fix's drop into an attributed commit of each id, the fix's own, and a remainder.
 * @param edit what is wrong with the series.
 */
export async function splitDrop(
  { events, blobs }: SignUnderTest,
  before: readonly string[] = [],
  remainder = 'e'.repeat(40),
  edit: (commits: Series['commits']) => void = () => undefined,
): Promise<void> {
  const lines = { insertions: 1, deletions: 1 };
  const tree = 'c'.repeat(40);
  const attributed = [...before, ownCommit];
  const commits = [...attributed, remainder].map((commit, n, all): Series['commits'][number] => ({
    commit,
    parent: all[n - 1] ?? '0'.repeat(40),
    tree: commit === remainder ? tree : String(n % 10).repeat(40),
    ...(commit === remainder
      ? { kind: 'remainder', subject: 'fs: the rest', cves: [] }
      : { kind: 'attributed', subject: `fcntl: prepare ${commit.slice(0, 2)}`, cves: ['CVE-2026-2'] }),
    confidence: 1,
    paths: ['fs/fcntl.c'],
    ...lines,
  }));
  edit(commits);
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
