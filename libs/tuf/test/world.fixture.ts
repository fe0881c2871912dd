// A whole repository with real keys over real HTTP, and a client beside it: what the attack tests stand on.
import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initialise, type Update, update } from '../src/client/client.js';
import { HttpFetcher, type HttpLimits } from '../src/client/http-fetcher.js';
import { TufError, type TufErrorCode } from '../src/errors.js';
import { Ed25519Signer } from '../src/keys/signer.js';
import { targetFileName } from '../src/metadata/names.js';
import { MemoryStore, type MetadataStore } from '../src/store/store.js';
import { MemoryFiles } from '../src/repository/files.js';
import { standardPolicy } from '../src/repository/policy.js';
import type { OnlineSigners } from '../src/repository/online-keys.js';
import { Repository } from '../src/repository/repository.js';
import { makeRoot, makeTopTargets, rotateRoot } from '../src/repository/root.js';

export const startMs = Date.parse('2026-01-01T00:00:00Z');
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const channel = 'debian-amd64';
export const release = '6.1.0-54-amd64';
export const role = `${channel}/${release}`;

/** Answers in place of the mirror. Returns false to let the mirror answer. */
export type Attack = (path: string, response: ServerResponse) => boolean;

const quick: HttpLimits = { idleMs: 300, baseMs: 800, minBytesPerSec: 1024 * 1024 };

export function signers(count: number): Ed25519Signer[] {
  return Array.from({ length: count }, () => Ed25519Signer.generate());
}

export class World {
  /** By URL path below the server: metadata and targets together. */
  readonly files = new MemoryFiles();
  readonly store = new MemoryStore();
  readonly keys = {
    root: signers(5),
    targets: signers(3),
    online: {
      channel: signers(2),
      release: signers(2),
      recall: signers(2),
      snapshot: signers(1),
      timestamp: signers(1),
    } satisfies OnlineSigners,
  };
  attack: Attack | undefined;
  root!: Uint8Array;
  topTargets!: Uint8Array;
  repository!: Repository;
  #server!: Server;
  #url = '';

  static async begin(): Promise<World> {
    const world = new World();
    const { root, targets, online } = world.keys;
    const holders = { root, targets, snapshot: online.snapshot, timestamp: online.timestamp };
    world.root = await makeRoot(1, holders, root.slice(0, 3), standardPolicy, startMs);
    world.repository = await Repository.open(world.files, online, standardPolicy);
    await world.repository.publishRoot(world.root, startMs);
    world.topTargets = await makeTopTargets(undefined, [channel], online, targets.slice(1), standardPolicy, startMs);
    await world.repository.publishTopTargets(world.topTargets, startMs);
    await world.publish('one', startMs);
    await initialise(world.store, world.root);
    await world.#listen();
    return world;
  }

  /** Publishes a bundle whose bytes are its name. */
  async publish(name: string, nowMs: number): Promise<string> {
    const bytes = Buffer.from(`the bundle ${name}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await this.repository.addBundles(channel, release, [{ name, length: bytes.length, sha256 }], nowMs);
    const path = `${role}/${name}`;
    await this.files.write(targetFileName(path, sha256), bytes);
    return path;
  }

  /** What the operator does after a theft: a new root takes the snapshot and timestamp keys away. */
  async changeOnlineKeys(nowMs: number): Promise<void> {
    const { root, targets } = this.keys;
    this.keys.online = { ...this.keys.online, snapshot: signers(1), timestamp: signers(1) };
    const holders = { root, targets, snapshot: this.keys.online.snapshot, timestamp: this.keys.online.timestamp };
    this.root = await rotateRoot(this.root, holders, root.slice(2), standardPolicy, nowMs);
    this.repository = await Repository.open(this.files, this.keys.online, standardPolicy);
    await this.repository.publishRoot(this.root, nowMs);
    await this.repository.renew(nowMs, 'none');
  }

  update(nowMs = startMs, store: MetadataStore = this.store): Promise<Update> {
    const fetcher = new HttpFetcher(this.#url, quick);
    return update({ store, metadata: fetcher, targets: fetcher }, nowMs);
  }

  async download(name: string, nowMs = startMs): Promise<string> {
    return (await (await this.update(nowMs)).download(`${role}/${name}`)).toString();
  }

  /** What the mirror has now, to be served again later. */
  remember(): Map<string, Uint8Array> {
    return new Map(this.files.files);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #listen(): Promise<void> {
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').slice(1);
      if (this.attack?.(path, response)) return;
      const bytes = this.files.files.get(path);
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }
}

/** Serves bytes in the place of what the mirror has. */
export function serving(...replaced: readonly (readonly [path: string, bytes: Uint8Array])[]): Attack {
  const files = new Map(replaced);
  return (path, response) => {
    const bytes = files.get(path);
    if (bytes === undefined) return false;
    response.writeHead(200).end(bytes);
    return true;
  };
}

/** The code with which a promise is refused. */
export async function refusal(promise: Promise<unknown>): Promise<TufErrorCode | 'none'> {
  try {
    await promise;
    return 'none';
  } catch (cause) {
    if (cause instanceof TufError) return cause.code;
    throw cause;
  }
}
