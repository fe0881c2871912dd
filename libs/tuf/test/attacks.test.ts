import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { forge } from '#libs/hostile';
import { initialise } from '../src/client/client.js';
import { MemoryStore } from '../src/store/store.js';
import { mirrorAttacks } from './mirror-attacks.fixture.js';
import { stolenKeyAttacks } from './stolen-key-attacks.fixture.js';
import { dayMs, hourMs, refusal, serving, startMs, World } from './world.fixture.js';

describe('a hostile mirror', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.begin();
  });
  afterEach(() => world.close());

  it.each([...mirrorAttacks, ...stolenKeyAttacks])(
    '$attack: $code',
    async ({ code, afterMs = hourMs, endsWith, begin }) => {
      expect(await world.download('one')).toBe('the bundle one');
      const old = world.remember();
      const nowMs = startMs + afterMs;
      await world.publish('two', nowMs);
      world.attack = await begin(world, old);
      expect(await refusal(world.download('two', nowMs))).toBe(code);

      // The attacker leaves. What he made the client remember ends with the next timestamp, which is due within hours anyway, or
      // with new keys if he had those that count versions.
      world.attack = undefined;
      if (endsWith === 'new keys') await world.changeOnlineKeys(nowMs);
      await world.repository.renew(nowMs, 'none');
      expect(await world.download('two', nowMs)).toBe('the bundle two');
    },
  );
});

it('takes files from a mirror that packs them', async () => {
  const world = await World.begin();
  try {
    world.attack = (path, response) => {
      const bytes = world.files.files.get(path);
      if (bytes === undefined) return false;
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes));
      return true;
    };
    expect(await world.download('one')).toBe('the bundle one');
  } finally {
    await world.close();
  }
});

it('shows a freeze to a machine that was never here before, too', async () => {
  const world = await World.begin();
  try {
    const cold = async (afterMs: number): Promise<unknown> => {
      const store = new MemoryStore();
      await initialise(store, world.root);
      return world.update(startMs + afterMs, store);
    };
    await expect(cold(25 * hourMs)).rejects.toMatchObject({
      code: 'freeze',
      message: expect.stringMatching(/^timestamp/),
    });
    await expect(cold(366 * dayMs)).rejects.toMatchObject({ code: 'freeze', message: expect.stringMatching(/^root/) });
    const timestamp = await forge(world.files.files.get('timestamp.json'), world.keys.online.timestamp, (it) => {
      it.expires = '2027-01-01T00:00:00Z';
    });
    world.attack = serving(['timestamp.json', timestamp]);
    await expect(cold(8 * dayMs)).rejects.toMatchObject({
      code: 'freeze',
      message: expect.stringMatching(/^snapshot/),
    });
  } finally {
    await world.close();
  }
});

describe('a fast-forward attack', () => {
  it('ends with new keys, on the machine that saw it too', async () => {
    const world = await World.begin();
    try {
      await world.download('one');
      const { keys, files } = world;
      const stolen = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.version = 1_000_000;
      });
      world.attack = serving(['timestamp.json', stolen]);
      expect(await world.download('one')).toBe('the bundle one');

      world.attack = undefined;
      await world.publish('two', startMs + hourMs);
      expect(await refusal(world.download('two', startMs + hourMs))).toBe('rollback');
      await world.changeOnlineKeys(startMs + hourMs);
      expect(await world.download('two', startMs + hourMs)).toBe('the bundle two');
    } finally {
      await world.close();
    }
  });
});
