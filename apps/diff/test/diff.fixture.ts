import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryBlobStore } from '#libs/blobs';
import { type EventData, type Fact, fact, type GitId, type Series, seriesSchema } from '#libs/contracts';
import { MemoryEventStore, type StreamName } from '#libs/eventstore';
import { parseChangelog } from '#libs/patchsplit';
import { createStages, memoryPlatform, ServiceConfig, startStages } from '#libs/service';
import { GitTreeStore } from '#libs/trees';
import { SplitThread } from '../src/adapters/split-thread.js';
import { DiffModule } from '../src/diff.module.js';

export const token = 'a-token-for-the-tests-of-diff';
export const product = 'test-linux';

/** Diff as it runs: HTTP on a port, its worker on a log in memory, trees in a git repository of its own. */
export class DiffUnderTest {
  readonly root = mkdtempSync(join(tmpdir(), 'diff-'));
  readonly dir = join(this.root, 'trees.git');
  readonly events = new MemoryEventStore();
  readonly blobs = new MemoryBlobStore();
  readonly trees = new GitTreeStore(this.dir);
  private readonly config = ServiceConfig.from({ SPLICECAST_DATA: this.root, SPLICECAST_PORT: '0' });
  readonly splitter = new SplitThread(this.config);
  url = '';
  private app: NestFastifyApplication | undefined;
  private commands = 0;

  async start(): Promise<void> {
    const { config, events, blobs, trees } = this;
    const platform = memoryPlatform({ config, events, blobs, trees, adminToken: token });
    this.app = await createStages(platform, [{ name: 'diff', module: DiffModule, concurrency: 2 }]);
    Logger.overrideLogger(false);
    this.url = await startStages(this.app, config);
  }

  async stop(): Promise<void> {
    await this.app?.close();
    await this.events.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  async tree(files: Readonly<Record<string, string>>): Promise<GitId> {
    const writer = await this.trees.writeTree();
    for (const [path, content] of Object.entries(files)) await writer.add(path, '100644', Buffer.from(content));
    return (await writer.finish()).tree;
  }

  async record(stream: StreamName, ...facts: Fact[]): Promise<void> {
    const { revision } = await this.events.readStream(stream);
    this.commands += 1;
    const context = { actor: 'test', commandId: `test-${this.commands}`, correlationId: 'test' };
    await this.events.appendToStream(stream, revision, facts, context);
  }

  receive(dropId: string, base?: string): Promise<void> {
    const data = { dropId, product, fileName: 'x.deb', archive: 'ab'.repeat(32), sizeBytes: 1 };
    return this.record(`drop.${dropId}`, fact('SourceDropReceived', base === undefined ? data : { ...data, base }));
  }

  async unpack(dropId: string, version: string, files: Readonly<Record<string, string>>, log?: string): Promise<GitId> {
    const tree = await this.tree(files);
    const changelog = log && (await this.blobs.put(Buffer.from(JSON.stringify(parseChangelog(log))))).digest;
    const data = { dropId, format: 'tar' as const, version, tree, files: 1, bytes: 1, durationMs: 1 };
    await this.record(`drop.${dropId}`, fact('SourceDropUnpacked', changelog ? { ...data, changelog } : data));
    return tree;
  }

  async factsOf(stream: StreamName): Promise<Fact[]> {
    return (await this.events.readStream(stream)).events.map((one) => one.fact);
  }

  async splitOf(dropId: string): Promise<EventData<'DropSplit'>> {
    const found = await this.until(async () =>
      (await this.factsOf(`drop.${dropId}`)).find((one) => one.type === 'DropSplit'),
    );
    if (found.type !== 'DropSplit') throw new Error('not split');
    return found.data;
  }

  async seriesOf(split: EventData<'DropSplit'>): Promise<Series> {
    return seriesSchema.parse(JSON.parse((await this.blobs.read(split.series)).toString()));
  }

  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let waited = 0; waited < 20_000; waited += 20) {
      const found = await look();
      if (found !== undefined) return found;
      await pause(20);
    }
    throw new Error('waited in vain');
  }

  post(body: unknown, bearer = token): Promise<Response> {
    return fetch(`${this.url}/v1/fixes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}
