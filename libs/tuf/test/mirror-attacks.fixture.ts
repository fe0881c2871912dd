import { gzipSync } from 'node:zlib';
import { forge } from '#libs/hostile';
import { type AttackCase, roleFile } from './attack.fixture.js';
import { type Attack, hourMs, serving, signers } from './world.fixture.js';

/** What whoever serves the files can do without any key. */
export const mirrorAttacks: readonly AttackCase[] = [
  {
    attack: 'arbitrary installation: everything signed by the attacker’s own keys',
    code: 'threshold-not-met',
    begin: async ({ files }) => {
      const timestamp = await forge(files.files.get('timestamp.json'), signers(1), (it) => void it.version++);
      return serving(['timestamp.json', timestamp]);
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
    begin: async (_world, old) => serving(['timestamp.json', old.get('timestamp.json')!]),
  },
  {
    attack: 'mix-and-match: the old snapshot in place of the new',
    code: 'mix-and-match',
    begin: async (_world, old) => serving(['3.snapshot.json', old.get('2.snapshot.json')!]),
  },
  {
    attack: 'mix-and-match: the old release role in place of the new',
    code: 'mix-and-match',
    begin: async (_world, old) => serving([roleFile(2), old.get(roleFile(1))!]),
  },
  {
    attack: 'rollback of the timestamp',
    code: 'rollback',
    begin: async ({ keys }, old) => {
      const timestamp = await forge(old.get('timestamp.json'), keys.online.timestamp, (it) => void it.version--);
      return serving(['timestamp.json', timestamp]);
    },
  },
  {
    attack: 'rollback of the root: the first one again, under the name of the second',
    code: 'rollback',
    begin: async ({ root }) => serving(['2.root.json', root]),
  },
  {
    attack: 'wrong target: other bytes of the same length',
    code: 'wrong-target',
    begin: async ({ files }) => {
      const path = [...files.files.keys()].find((name) => name.endsWith('.two'))!;
      return serving([path, Buffer.from(Buffer.from(files.files.get(path)!).toString().toUpperCase())]);
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
  ...['timestamp.json', '3.snapshot.json', roleFile(2)].map((name): AttackCase => ({
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
];

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
