import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type BlobStore, FolderBlobStore } from '#libs/blobs';
import { digestOf, type Fact } from '#libs/contracts';
import { MemoryEventStore } from '#libs/eventstore';
import { createStages, memoryPlatform, ServiceConfig, startStages } from '#libs/service';
import { GitTreeStore } from '#libs/trees';
import { IngestModule } from '../src/ingest.module.js';

export const token = 'a-token-for-the-tests-of-ingest';

/** Ingest as it runs: HTTP on a port, its worker on a log in memory, blobs and trees in a folder of its own. */
export class IngestUnderTest {
  readonly root = mkdtempSync(join(tmpdir(), 'ingest-'));
  readonly events = new MemoryEventStore();
  readonly trees = new GitTreeStore(join(this.root, 'trees.git'));
  readonly blobs: BlobStore;
  url = '';
  private app: NestFastifyApplication | undefined;

  constructor(blobs?: BlobStore) {
    this.blobs = blobs ?? new FolderBlobStore(join(this.root, 'blobs'));
  }

  async start(): Promise<void> {
    const config = ServiceConfig.from({ SPLICECAST_DATA: this.root, SPLICECAST_PORT: '0' });
    const { events, blobs, trees } = this;
    const platform = memoryPlatform({ config, events, blobs, trees, adminToken: token });
    this.app = await createStages(platform, [{ name: 'ingest', module: IngestModule, concurrency: 2 }]);
    Logger.overrideLogger(false);
    this.url = await startStages(this.app, config);
  }

  async stop(): Promise<void> {
    await this.app?.close();
    await this.events.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  upload(bytes: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/v1/blobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', ...headers },
      body: new Uint8Array(bytes),
    });
  }

  post(path: string, body: unknown): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** Uploads an archive and hands it in. */
  async handIn(archive: Buffer, fileName: string, base?: string): Promise<string> {
    await this.upload(archive);
    const request = { product: 'test-linux', fileName, archive: digestOf(archive), base };
    const response = await this.post('/v1/drops', request);
    if (response.status !== 202) throw new Error(`not taken: ${await response.text()}`);
    return ((await response.json()) as { dropId: string }).dropId;
  }

  async factsOf(dropId: string): Promise<Fact[]> {
    return (await this.events.readStream(`drop.${dropId}`)).events.map((one) => one.fact);
  }

  /** Waits for what becomes of a drop. */
  async outcomeOf(dropId: string, after = 1): Promise<Fact> {
    for (let waited = 0; waited < 20_000; waited += 20) {
      const outcome = (await this.factsOf(dropId))[after];
      if (outcome) return outcome;
      await pause(20);
    }
    throw new Error(`nothing became of drop ${dropId}`);
  }

  /** Packs files by the system's own tar, or as a .deb by dpkg-deb. */
  tar(files: Readonly<Record<string, string>>, flags: readonly string[] = ['-czf']): Buffer {
    const folder = mkdtempSync(join(this.root, 'pack-'));
    writeFiles(join(folder, 'linux-6.1.190'), files);
    execFileSync('tar', [...flags, join(folder, 'out'), '-C', folder, 'linux-6.1.190'], { stdio: 'pipe' });
    return readFileSync(join(folder, 'out'));
  }

  deb(files: Readonly<Record<string, string>>, changelog: string): Buffer {
    const folder = mkdtempSync(join(this.root, 'pack-'));
    writeFiles(join(folder, 'deb'), {
      'DEBIAN/control':
        'Package: linux-source-6.1\nVersion: 6.1.190-1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n',
      'usr/src/linux-source-6.1.tar.xz': this.tar(files, ['-cJf']),
      'usr/share/doc/linux-source-6.1/changelog.Debian.gz': gzipSync(changelog),
    });
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', '-Zxz', join(folder, 'deb'), join(folder, 'out')], {
      stdio: 'pipe',
    });
    return readFileSync(join(folder, 'out'));
  }
}

function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, path), content);
  }
}
