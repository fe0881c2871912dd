import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { initialise } from '../src/client/client.js';
import type { TufErrorCode } from '../src/errors.js';
import { describe as described } from '../src/repository/sign.js';
import { MemoryStore } from '../src/store/store.js';
import { forge } from './forge.fixture.js';
import { type Attack, dayMs, hourMs, refusal, role, serving, signers, startMs, World } from './world.fixture.js';

const roleFile = (version: number): string => `${version}.debian-amd64%2F6.1.0-54-amd64.json`;
const evil = Buffer.from('the bundle of the attacker');
const evilTarget = { length: evil.length, hashes: { sha256: createHash('sha256').update(evil).digest('hex') } };
const evilPath = `${role}/${evilTarget.hashes.sha256}.two`;

interface Case {
  readonly attack: string;
  readonly code: TufErrorCode;
  /** How long after the update that went well. */
  readonly afterMs?: number;
  /** Versions that a thief pushed up stand until the keys of snapshot and timestamp are changed (5.3.11). */
  readonly endsWith?: 'new keys';
  /** The mirror is the attacker's from now on. `old` is what it had when the client was last here. */
  readonly begin: (world: World, old: ReadonlyMap<string, Uint8Array>) => Promise<Attack>;
}

// When the client was last here: root 1, targets 1, channel 2, release 1, snapshot 2. Since then bundle "two" was published: release 2,
// snapshot 3, timestamp 3.
const cases: Case[] = [
  {
    attack: 'arbitrary installation: everything signed by the attacker’s own keys',
    code: 'threshold-not-met',
    begin: async ({ files }) => {
      const timestamp = await forge(files.files.get('timestamp.json'), signers(1), (it) => void it.version++);
      return serving(new Map([['timestamp.json', timestamp]]));
    },
  },
  {
    attack: 'endless data in place of the timestamp',
    code: 'endless-data',
    begin: async () => endless('timestamp.json'),
  },
  {
    attack: 'endless data in place of a file of known length',
    code: 'endless-data',
    begin: async () => endless('3.snapshot.json'),
  },
  {
    attack: 'endless data in place of the next root',
    code: 'endless-data',
    begin: async () => endless('2.root.json'),
  },
  {
    attack: 'a small file that unpacks to a huge one',
    code: 'endless-data',
    begin: async () => packed('timestamp.json', gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))),
  },
  {
    attack: 'slow data: a byte now and then',
    code: 'slow-retrieval',
    begin: async () => (path, response) => {
      if (path !== 'timestamp.json') return false;
      response.writeHead(200).write('{');
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
      return true;
    },
  },
  {
    attack: 'slow data: an answer that never begins',
    code: 'slow-retrieval',
    begin: async () => (path) => path === 'timestamp.json',
  },
  {
    attack: 'freeze: the timestamp of yesterday',
    code: 'freeze',
    afterMs: 25 * hourMs,
    begin: async (_world, old) => serving(new Map([['timestamp.json', old.get('timestamp.json')!]])),
  },
  {
    attack: 'freeze by a thief of the timestamp key: the snapshot of last week',
    endsWith: 'new keys',
    code: 'freeze',
    afterMs: 8 * dayMs,
    begin: async ({ keys }, old) => {
      const timestamp = await forge(old.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.version = 4;
        it.expires = '2027-01-01T00:00:00Z';
      });
      return serving(new Map([['timestamp.json', timestamp]]));
    },
  },
  {
    attack: 'mix-and-match: the old snapshot in place of the new',
    code: 'mix-and-match',
    begin: async (_world, old) => serving(new Map([['3.snapshot.json', old.get('2.snapshot.json')!]])),
  },
  {
    attack: 'mix-and-match: the old release role in place of the new',
    code: 'mix-and-match',
    begin: async (_world, old) => serving(new Map([[roleFile(2), old.get(roleFile(1))!]])),
  },
  {
    attack: 'rollback of the timestamp',
    code: 'rollback',
    begin: async ({ keys }, old) => {
      const timestamp = await forge(old.get('timestamp.json'), keys.online.timestamp, (it) => void it.version--);
      return serving(new Map([['timestamp.json', timestamp]]));
    },
  },
  {
    attack: 'rollback of the snapshot by a thief of the timestamp key',
    code: 'rollback',
    begin: async ({ keys, files }, old) => {
      const timestamp = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.meta['snapshot.json'] = { version: 1, ...described(old.get('1.snapshot.json')!) };
      });
      return serving(new Map([['timestamp.json', timestamp]]));
    },
  },
  {
    attack: 'rollback of the release by a thief of the snapshot and timestamp keys',
    code: 'rollback',
    begin: async (world) => snapshotBy(world, (meta) => void (meta['debian-amd64.json'].version = 1)),
  },
  {
    attack: 'removal of the release by a thief of the snapshot and timestamp keys',
    code: 'rollback',
    begin: async (world) => snapshotBy(world, (meta) => delete meta[`${role}.json`]),
  },
  {
    attack: 'rollback of the root: the first one again, under the name of the second',
    code: 'rollback',
    begin: async ({ root }) => serving(new Map([['2.root.json', root]])),
  },
  {
    attack: 'wrong target: other bytes of the same length',
    code: 'wrong-target',
    begin: async ({ files }) => {
      const path = [...files.files.keys()].find((name) => name.endsWith('.two'))!;
      return serving(new Map([[path, Buffer.from(Buffer.from(files.files.get(path)!).toString().toUpperCase())]]));
    },
  },
  {
    attack: 'wrong target: fewer bytes',
    code: 'wrong-target',
    begin: async () => (path, response) => path.endsWith('.two') && (response.end('the bundle'), true),
  },
  {
    attack: 'wrong target: more bytes',
    code: 'endless-data',
    begin: async () => (path, response) => path.endsWith('.two') && (response.end('the bundle two, and more'), true),
  },
  ...['timestamp.json', '3.snapshot.json', roleFile(2)].map((name): Case => ({
    attack: `a mirror that withholds ${name}`,
    code: 'withheld',
    begin: async () => (path, response) => path === name && (response.writeHead(404).end(), true),
  })),
  {
    attack: 'a mirror that withholds the bundle',
    code: 'withheld',
    begin: async () => (path, response) => path.endsWith('.two') && (response.writeHead(404).end(), true),
  },
  {
    attack: 'a mirror that hangs up',
    code: 'unreachable',
    begin: async () => (_path, response) => (response.destroy(), true),
  },
  {
    attack: 'two stolen root keys, which is one too few: a root of the attacker’s',
    code: 'threshold-not-met',
    begin: async ({ root, keys }) => {
      const next = await forge(root, [...keys.root.slice(0, 2), ...signers(3)], (it) => void it.version++);
      return serving(new Map([['2.root.json', next]]));
    },
  },
  {
    attack: 'a root that hands over to the attacker’s keys, signed by those alone',
    code: 'threshold-not-met',
    begin: async ({ root }) => {
      const own = signers(3);
      const next = await forge(root, own, (it) => {
        it.version++;
        for (const { keyId, publicKey } of own) it.keys[keyId] = publicKey;
        it.roles.root.keyids = own.map(({ keyId }) => keyId);
      });
      return serving(new Map([['2.root.json', next]]));
    },
  },
  {
    attack: 'both channel keys stolen: another file of the version that the snapshot names',
    code: 'mix-and-match',
    begin: async ({ keys, files, store }) => {
      await store.remove('debian-amd64');
      const forged = await forge(files.files.get('2.debian-amd64.json'), keys.online.channel, (it) => {
        it.expires = it.expires.replace('2026', '2036'); // of the same length, or it would be endless data
      });
      return serving(new Map([['2.debian-amd64.json', forged]]));
    },
  },
  {
    attack: 'a snapshot under a higher version than its own, by a thief of the timestamp key',
    code: 'mix-and-match',
    endsWith: 'new keys',
    begin: async ({ keys, files }) => {
      const snapshot = files.files.get('3.snapshot.json')!;
      const timestamp = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.meta['snapshot.json'] = { version: 4, ...described(snapshot) };
      });
      return serving(
        new Map([
          ['4.snapshot.json', snapshot],
          ['timestamp.json', timestamp],
        ]),
      );
    },
  },
  {
    attack: 'one root key that signs under two ids',
    code: 'threshold-not-met',
    begin: async ({ root, keys }) => {
      const next = await forge(root, keys.root.slice(0, 2), (it) => {
        it.version++;
        const [first] = it.roles.root.keyids;
        it.keys['another-id'] = it.keys[first];
        it.roles.root.keyids.push('another-id');
      });
      const envelope = JSON.parse(next.toString());
      envelope.signatures.push({ ...envelope.signatures[0], keyid: 'another-id' });
      return serving(new Map([['2.root.json', Buffer.from(JSON.stringify(envelope))]]));
    },
  },
  {
    attack: 'one stolen targets key, with the snapshot and timestamp keys',
    endsWith: 'new keys',
    code: 'threshold-not-met',
    begin: async (world) => {
      const targets = await forge(world.topTargets, world.keys.targets.slice(0, 1), (it) => {
        it.version++;
        it.targets[`${role}/two`] = evilTarget;
      });
      const attack = await snapshotBy(world, (meta) => void (meta['targets.json'] = { version: 2 }));
      return both(
        attack,
        serving(
          new Map([
            ['2.targets.json', targets],
            [evilPath, evil],
          ]),
        ),
      );
    },
  },
  {
    attack: 'one stolen channel key, with the snapshot and timestamp keys',
    endsWith: 'new keys',
    code: 'threshold-not-met',
    begin: async (world) => {
      const { keys, files } = world;
      const forged = await forge(files.files.get('2.debian-amd64.json'), keys.online.channel.slice(1), (it) => {
        it.version++;
        it.targets[`${role}/two`] = evilTarget;
      });
      const attack = await snapshotBy(world, (meta) => void (meta['debian-amd64.json'] = { version: 3 }));
      return both(
        attack,
        serving(
          new Map([
            ['3.debian-amd64.json', forged],
            [evilPath, evil],
          ]),
        ),
      );
    },
  },
  {
    attack: 'one stolen release key',
    code: 'threshold-not-met',
    begin: async ({ keys, files }) => {
      const forged = await forge(files.files.get(roleFile(2)), keys.online.release.slice(1), (it) => {
        it.targets[`${role}/two`] = evilTarget;
      });
      return serving(
        new Map([
          [roleFile(2), forged],
          [evilPath, evil],
        ]),
      );
    },
  },
  {
    attack: 'the release keys, with snapshot and timestamp: they don’t sign for the channel',
    endsWith: 'new keys',
    code: 'threshold-not-met',
    begin: async (world) => {
      const { keys, files } = world;
      const forged = await forge(files.files.get('2.debian-amd64.json'), keys.online.release, (it) => {
        it.version++;
        it.targets[`${role}/two`] = evilTarget;
      });
      const attack = await snapshotBy(world, (meta) => void (meta['debian-amd64.json'] = { version: 3 }));
      return both(
        attack,
        serving(
          new Map([
            ['3.debian-amd64.json', forged],
            [evilPath, evil],
          ]),
        ),
      );
    },
  },
  {
    attack: 'the stolen snapshot key alone',
    code: 'mix-and-match',
    begin: async ({ keys, files }) => {
      const forged = await forge(files.files.get('3.snapshot.json'), keys.online.snapshot, (it) => {
        it.meta[`${role}.json`] = { version: 1 };
      });
      // Padded to the announced length or not, its digest is another one.
      return serving(new Map([['3.snapshot.json', forged]]));
    },
  },
  {
    attack: 'the stolen timestamp key alone: a snapshot that nobody signed',
    code: 'threshold-not-met',
    begin: async ({ keys, files }) => {
      const snapshot = await forge(files.files.get('3.snapshot.json'), signers(1), () => undefined);
      const timestamp = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.meta['snapshot.json'] = { version: 3, ...described(snapshot) };
      });
      return serving(
        new Map([
          ['3.snapshot.json', snapshot],
          ['timestamp.json', timestamp],
        ]),
      );
    },
  },
];

describe('a hostile mirror', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.begin();
  });
  afterEach(() => world.close());

  it.each(cases)('$attack: $code', async ({ code, afterMs = hourMs, endsWith, begin }) => {
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
  });
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
    world.attack = serving(new Map([['timestamp.json', timestamp]]));
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
      world.attack = serving(new Map([['timestamp.json', stolen]]));
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

function endless(name: string): Attack {
  return (path, response) => {
    if (path !== name) return false;
    response.writeHead(200);
    const block = Buffer.alloc(64 * 1024, ' ');
    const pour = (): void => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', pour);
    pour();
    return true;
  };
}

function packed(name: string, bytes: Buffer): Attack {
  return (path, response) => {
    if (path !== name) return false;
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
    return true;
  };
}

function both(first: Attack, second: Attack): Attack {
  return (path, response) => first(path, response) || second(path, response);
}

/** What whoever has the snapshot and the timestamp key can serve: of the versions that are there already, so that it does no lasting harm. */
async function snapshotBy(
  { keys, files }: World,
  edit: (meta: any) => void, // oxlint-disable-line typescript/no-explicit-any -- an attacker keeps to no type
): Promise<Attack> {
  const snapshot = await forge(files.files.get('3.snapshot.json'), keys.online.snapshot, (it) => edit(it.meta));
  const timestamp = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
    it.meta['snapshot.json'] = { version: 3, ...described(snapshot) };
  });
  return serving(
    new Map([
      ['3.snapshot.json', snapshot],
      ['timestamp.json', timestamp],
    ]),
  );
}
