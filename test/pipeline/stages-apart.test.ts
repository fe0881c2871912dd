import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ServiceClient } from '#libs/client';
import { EmbeddedNats } from '#libs/eventstore';
import { freePort } from '../../tools/demo/service-process.js';
import { makeTar } from './made-packages.js';

const run = promisify(execFile);
const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
const stageNames = ['ingest', 'diff', 'build', 'sign', 'feed', 'catalog'] as const;
type StageName = (typeof stageNames)[number];
const product = 'test-linux';
const startMs = 40_000;
const patienceMs = 20_000;

const dropSchema = z.object({
  dropId: z.string(),
  state: z.string(),
  tree: z.string().optional(),
  commits: z.number().optional(),
  filesChanged: z.number().optional(),
  proof: z.object({ targetTree: z.string(), replayedTree: z.string() }).optional(),
});
type Drop = z.infer<typeof dropSchema>;

let scratch: string;
let nats: EmbeddedNats;
const adminToken = `sca_${randomBytes(24).toString('base64url')}`;
const running = new Map<StageName, ChildProcess>();
const clients = new Map<StageName, ServiceClient>();

/** Starts a stage as `node dist/apps/<stage>/src/main.js` does, and waits until it answers. */
async function startStage(name: StageName): Promise<void> {
  const port = await freePort();
  const logFile = join(scratch, `${name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [join(distDir, 'apps', name, 'src/main.js')], {
    env: {
      ...process.env,
      SPLICECAST_DATA: dataDir(),
      SPLICECAST_PORT: String(port),
      SPLICECAST_ADMIN_TOKEN: adminToken,
      NATS_URL: nats.url,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.set(name, child);
  const url = `http://127.0.0.1:${port}`;
  clients.set(name, new ServiceClient(url, adminToken));
  const deadline = Date.now() + startMs;
  while (
    !(await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${name} didn't start:\n${(await readFile(logFile, 'utf8')).slice(-4000)}`);
    }
    await sleep(100);
  }
}

async function end(name: StageName, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const child = running.get(name);
  running.delete(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

const dataDir = (): string => join(scratch, 'data');

const at = (name: StageName): ServiceClient => {
  const client = clients.get(name);
  if (client === undefined) throw new Error(`${name} was not started`);
  return client;
};

/** Hands a small tree in at ingest's port. */
async function handIn(version: string, files: Readonly<Record<string, string>>, base?: string): Promise<string> {
  const fileName = `linux-${version}.tar.gz`;
  const file = join(scratch, fileName);
  await writeFile(file, await makeTar(scratch, `linux-${version}`, files));
  const { digest } = await at('ingest').upload(file, () => undefined);
  const request = { product, fileName, archive: digest, base };
  return (await at('ingest').post('/v1/drops', request, z.object({ dropId: z.string() }))).dropId;
}

/** Waits at catalog's port until a drop is in a state. */
async function drop(dropId: string, state: string): Promise<Drop> {
  return at('catalog').until(`drop ${dropId} to be ${state}`, patienceMs, async () => {
    const now = await at('catalog').find(`/v1/drops/${dropId}`, dropSchema);
    return now?.state === state ? now : undefined;
  });
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-apart-'));
  // The stages find the keys of the servers where they keep their own.
  nats = await EmbeddedNats.start({ dataDir: dataDir() });
  await Promise.all(stageNames.map(startStage));
});

afterAll(async () => {
  await Promise.all([...running.keys()].map((name) => end(name, 'SIGTERM')));
  await nats?.stop();
  await rm(scratch, { recursive: true, force: true });
});

it('does the work of the whole when each stage is a process of its own, and loses nothing when one is killed', async () => {
  const pipe = ['int pipe;', 'int pipe_fixed;', 'int pipe_fixed_again;'].map((line) => `${line}\n`);
  const files = (step: number): Record<string, string> => ({
    Makefile: `VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = ${190 + step}\n`,
    'fs/pipe.c': pipe.slice(0, step + 1).join(''),
    'net/dev.c': 'int dev;\n',
  });

  const first = await handIn('6.1.190', files(0));
  const second = await handIn('6.1.191', files(1), first);
  const split = await drop(second, 'split');
  expect(split).toMatchObject({ filesChanged: 2, proof: { replayedTree: split.tree, targetTree: split.tree } });

  // Catalog asks sign, which alone has the keys, to sign the licence.
  const { customerId } = await at('catalog').post('/v1/customers', { name: 'A' }, z.object({ customerId: z.string() }));
  const trial = { customerId, plan: 'trial', distro: 'debian' };
  const { token } = await at('catalog').post('/v1/licenses', trial, z.object({ token: z.string() }));
  expect(token.split('.')).toHaveLength(3);

  await end('diff', 'SIGKILL');
  const third = await handIn('6.1.192', files(2), second);
  await drop(third, 'unpacked');
  await startStage('diff');
  const resumed = await drop(third, 'split');
  expect(resumed.proof?.replayedTree).toBe(resumed.tree);
  expect(resumed.tree).not.toBe(split.tree);

  // All of it is public: a chain of commits with each drop's tree.
  const published = z.object({
    state: z.literal('published'),
    path: z.string(),
    drops: z.array(z.object({ dropId: z.string() })),
  });
  const { path } = await at('catalog').until('it to be published', patienceMs, async () => {
    const now = published.safeParse(await at('catalog').find(`/v1/redpatch/${product}`, z.unknown()));
    return now.data?.drops.length === 3 ? now.data : undefined;
  });
  const clone = join(scratch, 'clone');
  await run('git', ['clone', '--quiet', `${at('catalog').url}${path}`, clone]);
  const trees = ['6.1.190^{tree}', '6.1.191^{tree}', '6.1.192^{tree}', 'origin/6.1^{tree}'];
  const { stdout } = await run('git', ['-C', clone, 'rev-parse', ...trees]);
  const begun = await drop(first, 'unpacked');
  expect(stdout.trim().split('\n')).toEqual([begun.tree, split.tree, resumed.tree, resumed.tree]);
  expect(await readFile(join(clone, 'fs/pipe.c'), 'utf8')).toBe(pipe.join(''));

  const page = z.object({ items: z.array(z.object({ stream: z.string(), type: z.string() })) });
  const { items } = await at('catalog').get('/v1/events?limit=500', page);
  const ofDrops = items
    .filter(({ stream }) => stream.startsWith('drop.'))
    .map(({ stream, type }) => `${stream} ${type}`);
  const expected = [first, second, third].flatMap((id) => [
    `drop.${id} SourceDropReceived`,
    `drop.${id} SourceDropUnpacked`,
  ]);
  expect(ofDrops.sort()).toEqual([...expected, `drop.${second} DropSplit`, `drop.${third} DropSplit`].sort());
  const status = await at('catalog').get('/v1/status', z.object({ lag: z.number(), deadLetters: z.number() }));
  expect(status).toEqual({ lag: 0, deadLetters: 0 });
});

it('lets nobody in at any port without the token that all stages share', async () => {
  for (const [name, path] of [
    ['ingest', '/v1/drops'],
    ['diff', '/v1/fixes'],
    ['build', '/v1/kernels'],
    ['catalog', '/v1/drops'],
  ] as const) {
    const stranger = new ServiceClient(at(name).url, 'a-token-that-nobody-has-given');
    const asked = name === 'catalog' ? stranger.get(path, z.unknown()) : stranger.post(path, {}, z.unknown());
    await expect(asked).rejects.toMatchObject({ status: 401 });
  }
});
