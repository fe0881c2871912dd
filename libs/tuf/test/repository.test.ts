import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { initialise } from '../src/client/client.js';
import { parseEnvelope } from '../src/metadata/envelope.js';
import { MemoryFiles } from '../src/repository/files.js';
import { standardPolicy } from '../src/repository/policy.js';
import { Repository } from '../src/repository/repository.js';
import { makeRoot, makeTopTargets, rotateRoot } from '../src/repository/root.js';
import { MemoryStore } from '../src/store/store.js';
import { channel, dayMs, hourMs, refusal, release, role, signers, startMs, World } from './world.fixture.js';

const sha256 = 'ab'.repeat(32);

describe('a repository', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.begin();
  });
  afterEach(() => world.close());

  it('vouches for a bundle of a release through its channel', async () => {
    const update = await world.update();
    expect(await update.find(`${role}/one`)).toMatchObject({ length: 14 });
    expect(await refusal(update.find(`${role}/two`))).toBe('unknown-target');
    expect(await refusal(update.find('ubuntu-amd64/6.8.0-1/one'))).toBe('unknown-target');
  });

  it('changes every root key in steps, and a client from the first day follows', async () => {
    const { keys } = world;
    const next = signers(5);
    const online = { targets: keys.targets, snapshot: keys.online.snapshot, timestamp: keys.online.timestamp };
    const both = [...keys.root.slice(0, 3), ...next.slice(0, 3)];
    const second = await rotateRoot(world.root, { ...online, root: next }, both, standardPolicy, startMs);
    const third = await rotateRoot(second, { ...online, root: next }, next.slice(2), standardPolicy, startMs + dayMs);
    await world.repository.publishRoot(second, startMs);
    await world.repository.publishRoot(third, startMs + dayMs);
    const { trusted } = await world.update(startMs + hourMs);
    expect(trusted.root.version).toBe(3);
    expect(parseEnvelope('root', (await world.store.read('root'))!).role.version).toBe(3);
  });

  it('refuses to make what nobody would accept', async () => {
    const { keys, root, topTargets } = world;
    const holders = { root: signers(5), targets: keys.targets, snapshot: signers(1), timestamp: signers(1) };
    const onlyNew = holders.root.slice(0, 3);
    expect(await refusal(rotateRoot(root, holders, onlyNew, standardPolicy, startMs))).toBe('threshold-not-met');
    const onlyOld = keys.root.slice(0, 3);
    expect(await refusal(rotateRoot(root, holders, onlyOld, standardPolicy, startMs))).toBe('threshold-not-met');
    const same = [onlyNew[0]!, onlyNew[0]!, onlyNew[0]!];
    expect(await refusal(makeRoot(1, holders, same, standardPolicy, startMs))).toBe('threshold-not-met');
    const one = keys.targets.slice(0, 1);
    const targets = makeTopTargets(topTargets, [channel], keys.online, one, standardPolicy, startMs);
    expect(await refusal(targets)).toBe('threshold-not-met');
    const called = makeTopTargets(topTargets, ['snapshot'], keys.online, keys.targets, standardPolicy, startMs);
    expect(await refusal(called)).toBe('invalid-name');
  });

  it('refuses names that are patterns, folders or another role', async () => {
    const { repository } = world;
    const add = (ch: string, rel: string, name: string): Promise<unknown> =>
      refusal(repository.addBundles(ch, rel, [{ name, length: 1, sha256 }], startMs));
    expect(await add(channel, '6.*', 'x')).toBe('invalid-name');
    expect(await add(channel, '..', 'x')).toBe('invalid-name');
    expect(await add(channel, release, 'a/b')).toBe('invalid-name');
    expect(await add('targets', release, 'x')).toBe('invalid-name');
    expect(await add('ubuntu-amd64', release, 'x')).toBe('unknown-role');
  });

  it('lets a role have 250 bundles and no more', async () => {
    const bundles = Array.from({ length: 249 }, (_, index) => ({ name: `b${index}`, length: 1, sha256 }));
    await world.repository.addBundles(channel, release, bundles, startMs);
    const one = world.repository.addBundles(channel, release, [{ name: 'more', length: 1, sha256 }], startMs);
    expect(await refusal(one)).toBe('role-full');
    expect(await world.download('one')).toBe('the bundle one');
  });

  it('runs for months on its online keys, until the offline roles are due', async () => {
    const { repository } = world;
    expect(await repository.renew(startMs + dayMs)).toEqual([]);
    expect(await repository.renew(startMs + 4 * dayMs)).toEqual(['recall', 'revocation']);
    for (let day = 5; day <= 170; day += 3) await repository.renew(startMs + day * dayMs);
    expect(await world.download('one', startMs + 170 * dayMs)).toBe('the bundle one');
    await repository.renew(startMs + 181 * dayMs);
    expect(await refusal(world.update(startMs + 181 * dayMs))).toBe('freeze');
  });

  it('carries on where it was after a restart, and signs its releases anew with other keys', async () => {
    const online = { ...world.keys.online, release: signers(2) };
    world.repository = await Repository.open(world.files, online, standardPolicy);
    await world.publish('two', startMs + hourMs);
    await world.repository.addBundles(channel, '6.1.0-55-amd64', [{ name: 'x', length: 1, sha256 }], startMs + hourMs);
    expect(await world.download('one', startMs + hourMs)).toBe('the bundle one');
    expect(await world.download('two', startMs + hourMs)).toBe('the bundle two');
  });

  it('takes a stolen release key out of every channel, without a new bundle', async () => {
    const [kept] = world.keys.online.release;
    const online = { ...world.keys.online, release: [kept!, ...signers(1)] };
    world.repository = await Repository.open(world.files, online, standardPolicy);
    expect(await world.repository.rekey(startMs + hourMs)).toEqual([channel]);
    expect(await world.repository.rekey(startMs + hourMs)).toEqual([]);
    const stolen = world.keys.online.release[1]!.keyId;
    const file = [...world.files.files].findLast(([name]) => name.endsWith(`.${channel}.json`));
    expect(Buffer.from(file![1]).toString()).not.toContain(stolen);
    expect(await world.download('one', startMs + hourMs)).toBe('the bundle one');
  });

  it('goes on above the versions that were seen when its files are lost, and makes its roles again', async () => {
    const before = (await world.update()).trusted;
    const floor = new Map([
      ['timestamp', before.timestamp.version],
      ['snapshot', before.snapshot.version],
      ...[...before.snapshot.meta].map(([name, { version }]) => [name.replace(/\.json$/, ''), version] as const),
    ]);
    for (const name of world.files.files.keys()) {
      if (!/^(?:\d+\.root|\d+\.targets)\.json$/.test(name) && !name.includes('/')) world.files.files.delete(name);
    }
    const repository = await Repository.open(world.files, world.keys.online, standardPolicy, floor);
    const sha = createHash('sha256').update('the bundle one').digest('hex');
    const contents = async (name: string) => (name === role ? [{ name: 'one', length: 14, sha256: sha }] : []);
    expect((await repository.restore(contents, startMs)).toSorted()).toEqual([channel, role, 'recall', 'revocation']);
    expect(await repository.restore(contents, startMs)).toEqual([]);
    const after = (await world.update()).trusted;
    expect(after.timestamp.version).toBeGreaterThan(before.timestamp.version);
    expect(await world.download('one')).toBe('the bundle one');
  });

  it('signs nothing again that it did not sign, and makes room by what was withdrawn', async () => {
    const name = [...world.files.files.keys()].findLast((one) => one.endsWith('6.1.0-54-amd64.json'))!;
    const forged = Buffer.from(world.files.files.get(name)!).toString().replaceAll('/one"', '/evil"');
    world.files.files.set(name, Buffer.from(forged));
    await world.publish('two', startMs);
    expect(await refusal((await world.update()).find(`${role}/evil`))).toBe('unknown-target');
    const bundles = Array.from({ length: 249 }, (_, index) => ({ name: `b${index}`, length: 1, sha256 }));
    await world.repository.addBundles(channel, release, bundles, startMs);
    const one = [{ name: 'three', length: 1, sha256 }];
    const add = (expendable: string[]) =>
      refusal(world.repository.addReleases([{ channel, release, bundles: one, expendable }], startMs));
    expect(await add(['three', 'none'])).toBe('role-full');
    expect(await add(['b7', 'b8'])).toBe('none');
    const update = await world.update();
    expect(await refusal(update.find(`${role}/b7`))).toBe('unknown-target');
    expect(await refusal(update.find(`${role}/b8`))).toBe('none');
  });

  it('publishes recalls by a role of its own', async () => {
    await world.repository.setNotice('recall', [{ name: 'recalls.json', length: 3, sha256 }], startMs);
    expect(await (await world.update()).find('recall/recalls.json')).toMatchObject({ length: 3 });
    expect(await refusal((await world.update()).find('revocation/recalls.json'))).toBe('unknown-target');
  });

  it('shows all of a publication or nothing, whichever write fails', async () => {
    for (let failing = 1; ; failing++) {
      const before = world.remember();
      const files = new FailingFiles(before, failing);
      const repository = await Repository.open(files, world.keys.online, standardPolicy);
      const published = await repository
        .addBundles(channel, '6.1.0-60-amd64', [{ name: 'x', length: 1, sha256 }], startMs)
        .then(
          () => true,
          () => false,
        );
      world.files.files.clear();
      for (const [name, bytes] of files.files) world.files.files.set(name, bytes);
      const store = new MemoryStore();
      await initialise(store, world.root);
      const found = await refusal((await world.update(startMs, store)).find(`${channel}/6.1.0-60-amd64/x`));
      expect(found).toBe(published ? 'none' : 'unknown-target');
      if (published) {
        expect(failing).toBeGreaterThan(4);
        return;
      }
      // The next attempt begins from what the failed one left behind.
    }
  });
});

class FailingFiles extends MemoryFiles {
  constructor(
    files: ReadonlyMap<string, Uint8Array>,
    private left: number,
  ) {
    super();
    for (const [name, bytes] of files) this.files.set(name, bytes);
  }

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    if (--this.left === 0) throw new Error('the disk is full');
    await super.write(name, bytes);
  }
}
