import { createHash } from 'node:crypto';
import { forge } from '#libs/hostile';
import { describe as described } from '../src/repository/sign.js';
import { type AttackCase, roleFile } from './attack.fixture.js';
import { type Attack, dayMs, role, serving, signers, type World } from './world.fixture.js';

const evil = Buffer.from('the bundle of the attacker');
const evilTarget = { length: evil.length, hashes: { sha256: createHash('sha256').update(evil).digest('hex') } };
const evilPath = `${role}/${evilTarget.hashes.sha256}.two`;

/** What a thief of some keys can do, fewer than a role's threshold or of other roles. */
export const stolenKeyAttacks: readonly AttackCase[] = [
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
      return serving(['timestamp.json', timestamp]);
    },
  },
  {
    attack: 'rollback of the snapshot by a thief of the timestamp key',
    code: 'rollback',
    begin: async ({ keys, files }, old) => {
      const timestamp = await forge(files.files.get('timestamp.json'), keys.online.timestamp, (it) => {
        it.meta['snapshot.json'] = { version: 1, ...described(old.get('1.snapshot.json')!) };
      });
      return serving(['timestamp.json', timestamp]);
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
    attack: 'two stolen root keys, which is one too few: a root of the attacker’s',
    code: 'threshold-not-met',
    begin: async ({ root, keys }) => {
      const next = await forge(root, [...keys.root.slice(0, 2), ...signers(3)], (it) => void it.version++);
      return serving(['2.root.json', next]);
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
      return serving(['2.root.json', next]);
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
      return serving(['2.debian-amd64.json', forged]);
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
      return serving(['4.snapshot.json', snapshot], ['timestamp.json', timestamp]);
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
      return serving(['2.root.json', Buffer.from(JSON.stringify(envelope))]);
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
      return both(attack, serving(['2.targets.json', targets], [evilPath, evil]));
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
      return both(attack, serving(['3.debian-amd64.json', forged], [evilPath, evil]));
    },
  },
  {
    attack: 'one stolen release key',
    code: 'threshold-not-met',
    begin: async ({ keys, files }) => {
      const forged = await forge(files.files.get(roleFile(2)), keys.online.release.slice(1), (it) => {
        it.targets[`${role}/two`] = evilTarget;
      });
      return serving([roleFile(2), forged], [evilPath, evil]);
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
      return both(attack, serving(['3.debian-amd64.json', forged], [evilPath, evil]));
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
      return serving(['3.snapshot.json', forged]);
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
      return serving(['3.snapshot.json', snapshot], ['timestamp.json', timestamp]);
    },
  },
];

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
  return serving(['3.snapshot.json', snapshot], ['timestamp.json', timestamp]);
}
