import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../src/store/file-store.js';
import { MemoryStore, type MetadataStore } from '../src/store/store.js';
import { initialise } from '../src/client/client.js';
import { refusal, role, World } from './world.fixture.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-tuf-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each<[string, () => MetadataStore]>([
  ['in memory', () => new MemoryStore()],
  ['in a folder', () => new FileStore(folder)],
])('a store %s', (_kind, open) => {
  it('keeps, replaces and forgets a role', async () => {
    const store = open();
    expect(await store.read('timestamp')).toBeUndefined();
    await store.write('timestamp', Buffer.from('1'));
    await store.write('timestamp', Buffer.from('2'));
    expect(Buffer.from((await store.read('timestamp'))!).toString()).toBe('2');
    await store.remove('timestamp');
    await store.remove('timestamp');
    expect(await store.read('timestamp')).toBeUndefined();
  });
});

describe('a store in a folder', () => {
  it('has one file a role, none of them elsewhere, and no drafts', async () => {
    const store = new FileStore(folder);
    for (const name of ['root', '../../outside', 'debian-amd64/6.1.0']) await store.write(name, Buffer.from('{}'));
    const names = ['..%2F..%2Foutside.json', 'debian-amd64%2F6.1.0.json', 'root.json'];
    expect((await readdir(folder)).sort()).toEqual(names);
  });

  it('costs a download where it is damaged, and trust only where trust begins', async () => {
    const world = await World.begin();
    try {
      const store = new FileStore(folder);
      await initialise(store, world.root);
      await (await world.update(undefined, store)).find(`${role}/one`);
      for (const name of ['timestamp', 'snapshot', 'targets', 'debian-amd64']) {
        await writeFile(join(folder, `${name}.json`), '{"signed":');
        expect(await refusal((await world.update(undefined, store)).find(`${role}/one`))).toBe('none');
      }
      await writeFile(join(folder, 'root.json'), '{"signed":');
      expect(await refusal(world.update(undefined, store))).toBe('malformed-metadata');
    } finally {
      await world.close();
    }
  });

  it('keeps the root that it has', async () => {
    const world = await World.begin();
    await world.close();
    const store = new FileStore(folder);
    await initialise(store, world.root);
    await initialise(store, (await World.begin().then(async (other) => (await other.close(), other))).root);
    expect(Buffer.from((await store.read('root'))!).equals(world.root)).toBe(true);
  });
});
