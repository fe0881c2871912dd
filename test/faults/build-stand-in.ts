import { setTimeout as sleep } from 'node:timers/promises';
import { BlobStore } from '#libs/blobs';
import { digestOf, type EventData, type Fact, fact, type LevelContent, type PatchedFunction } from '#libs/contracts';
import { EventStore, EventStoreError, type StreamName, type Subscription } from '#libs/eventstore';
import { Random } from '#libs/hostile';
import { fixFacts, kernelFacts, patchedFunction } from '../made-facts.js';
import { kernels, type World } from './world.js';

/** Of all kernels: fewer than one release’s role vouches for (`standardPolicy.maxTargetsPerRelease`), and levels need room too. */
const maxFixes = 200;

/**
 * Writes to the log what the build stage would: kernels, fixes that became modules, levels. The modules are made up (building real
 * ones takes a compiler minutes); from there on all is real: sign examines them, assembles and signs.
 */
export class BuildStandIn {
  private readonly random: Random;
  private readonly subscriptions: Subscription[] = [];
  private readonly functions = new Map<string, readonly PatchedFunction[]>();
  private fixes = 0;

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly world: World,
    private readonly seed: string,
  ) {
    this.random = new Random(seed, 'build');
  }

  /** Imports the kernels, and follows what becomes of bundles and levels. */
  async start(): Promise<void> {
    for (const [kernelId, kernel] of kernels) {
      const [received, imported] = kernelFacts(kernelId, kernel);
      await this.append(`kernel.${kernelId}`, 'receive', received);
      await this.append(`kernel.${kernelId}`, 'import', imported);
    }
    this.subscriptions.push(
      this.events.subscribe({ from: 1, category: 'bundle' }, async ({ events }) => {
        for (const one of events) if (one.fact.type === 'BundleAssembled') this.world.bundles.push(one.fact.data);
      }),
      this.events.subscribe({ from: 1, category: 'level' }, async ({ events }) => {
        for (const one of events) if (one.fact.type === 'LevelProposed') await this.buildLevel(one.fact.data);
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.subscriptions.map((one) => one.stop()));
  }

  /** One more fix becomes a module, as long as there is room for it. */
  async step(): Promise<void> {
    await sleep(500 + this.random.below(1_500));
    if (this.fixes >= maxFixes) return;
    this.fixes += 1;
    const fixId = `fix-${this.seed}-${this.fixes}`;
    const kernelId = this.random.pick([...kernels.keys()]);
    const name = `sc_fix_${this.fixes}`;
    const path = 'fs/file.c';
    const functions = [patchedFunction(`f${this.fixes}`, path)];
    this.functions.set(fixId, functions);
    const { digest: patch } = await this.blobs.put(Buffer.from(`patch of ${fixId}\n`));
    const [proposed, built] = fixFacts({
      fixId,
      kernelId,
      subject: `subsystem: fix ${this.fixes}`,
      cves: [`CVE-2026-${1000 + this.fixes}`],
      path,
      patch,
      module: { name, ...(await this.module(name, kernelId)) },
      functions,
    });
    await this.append(`fix.${fixId}`, 'propose', proposed);
    await this.append(`fix.${fixId}`, 'build', built);
  }

  private async buildLevel({ kernelId, level, fixIds }: EventData<'LevelProposed'>): Promise<void> {
    const name = `splicecast_level_${level}`;
    const functions = fixIds.flatMap((fixId) => this.functions.get(fixId) ?? []);
    const content: LevelContent = { schema: 1, functions: [...functions], warnings: [] };
    const { digest: contentDigest } = await this.blobs.put(Buffer.from(JSON.stringify(content)));
    const built = fact('LevelBuilt', {
      kernelId,
      level,
      fixIds,
      module: { name, ...(await this.module(name, kernelId)) },
      content: contentDigest,
      functions: functions.length,
      runPre: { matched: 1, checked: 1 },
      warnings: 0,
      leftOut: [],
      durationMs: 1,
    });
    await this.append(`level.${kernelId}`, `build-${level}`, built);
  }

  /** Bytes with a live patch's `.modinfo`, and enough besides that a download takes more than one packet. */
  private async module(name: string, kernelId: string): Promise<{ digest: string; sizeBytes: number }> {
    const vermagic = kernels.get(kernelId)?.vermagic ?? '';
    const strings = Object.entries({ license: 'GPL', livepatch: 'Y', name, vermagic }).map(([k, v]) => `${k}=${v}\0`);
    const filling = Buffer.from(Array.from({ length: 4_000 }, (_, n) => digestOf(`${name} ${n}`)).join(''));
    return this.blobs.put(
      Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0'), Buffer.from(strings.join('')), filling]),
    );
  }

  /** Appends, however long the log is away; a repetition of what is there changes nothing. */
  private async append(stream: StreamName, step: string, one: Fact): Promise<void> {
    const context = { actor: 'build', commandId: `stand-in:${step}`, correlationId: stream };
    for (;;) {
      try {
        const { revision } = await this.events.readStream(stream);
        await this.events.appendToStream(stream, revision, [one], context);
        return;
      } catch (error) {
        const isPassing = ['unavailable', 'wrong-expected-revision'];
        if (!(error instanceof EventStoreError) || !isPassing.includes(error.code)) throw error;
        await sleep(100);
      }
    }
  }
}
