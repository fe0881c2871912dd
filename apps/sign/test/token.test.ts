import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { MemoryBlobStore } from '#libs/blobs';
import { MemoryEventStore } from '#libs/eventstore';
import { asJson } from '#libs/tuf';
import { SoftToken } from '../../../test/soft-token.js';
import { onlineRoles } from '../src/adapters/metadata-keys.js';
import { Upkeep } from '../src/metadata/upkeep.js';
import { published, SeenBefore } from './ceremony.fixture.js';
import { type SignState, startSign, TestClock } from './sign.fixture.js';

const hourMs = 3_600_000;
let token: SoftToken;
let state: SignState;

beforeAll(async () => {
  token = await SoftToken.make();
});
afterAll(() => token.remove());

/** All of the metadata's keys in files, except for the timestamp's: that is in a token, as the operator says in its file. */
beforeEach(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-sign-token-'));
  const keys = join(dataDir, 'metadata-keys');
  await mkdir(keys, { mode: 0o700 });
  for (const role of onlineRoles.filter((one) => one !== 'timestamp')) {
    for (const n of role === 'snapshot' ? [1] : [1, 2]) {
      const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
      await writeFile(join(keys, `${role}-${n}.pem`), pem, { mode: 0o600 });
    }
  }
  state = { dataDir, events: new MemoryEventStore(), blobs: new MemoryBlobStore(), clock: new TestClock() };
  await say(token.uri());
});
afterEach(async () => {
  await state.events.close();
  await rm(state.dataDir, { recursive: true, force: true });
});

async function say(uri: string): Promise<void> {
  await writeFile(join(state.dataDir, 'metadata-keys/timestamp-1.pkcs11'), `${uri}\n`, { mode: 0o600 });
}

it('the service’s timestamps are signed in a token, and machines verify them', async () => {
  const under = await startSign(state);
  const tokens = join(token.folder, 'tokens');
  try {
    const machine = new SeenBefore();
    const first = (await machine.update(under)).trusted;
    const stamp = (await published(under)).newest('timestamp');
    const { signatures } = asJson(await under.blobs.read(stamp?.digest ?? '')) as { signatures: { keyid: string }[] };
    expect(signatures.map(({ keyid }) => keyid)).toEqual(first.root.roles.timestamp.keyIds);
    const root = (await readFile(join(under.dataDir, 'root.json'))).toString();
    expect(root).toContain('ecdsa-sha2-nistp256');

    // Nobody signs while the token is pulled out, and what is published stays good.
    await rename(tokens, `${tokens}-away`);
    await mkdir(tokens);
    under.clock.offsetMs += hourMs + 1000;
    await expect(under.get(Upkeep).hourly()).rejects.toMatchObject({ code: 'token-refused' });
    expect((await machine.update(under)).trusted.timestamp.version).toBe(first.timestamp.version);
    await rm(tokens, { recursive: true });
    await rename(`${tokens}-away`, tokens);
    await under.get(Upkeep).hourly();
    expect((await machine.update(under)).trusted.timestamp.version).toBe(first.timestamp.version + 1);
  } finally {
    await under.crash();
  }
});

it.each<[string, () => Promise<string>, string]>([
  ['a wrong PIN', async () => token.uri({ pinFile: await pinFile('9876543210') }), 'token-refused'],
  ['a token that isn’t there', async () => token.uri({ token: 'gone' }), 'token-refused'],
  ['a key of a kind that no metadata has', async () => token.uri({ id: '%01' }), 'wrong-key'],
])('the service doesn’t start with %s, and tells no PIN', async (_what, uri, code) => {
  await say(await uri());
  let said = '';
  const hear = (chunk: unknown): true => {
    said += String(chunk);
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) => jest.spyOn(stream, 'write').mockImplementation(hear));
  try {
    const error: unknown = await startSign(state).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TokenError', code });
    said += `${String(error)} ${String((error as Error).cause)} ${(error as Error).stack}`;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  for (const pin of ['9876543210', token.pin]) expect(said).not.toContain(pin);
});

async function pinFile(pin: string): Promise<string> {
  const path = join(state.dataDir, 'pin');
  await writeFile(path, pin, { mode: 0o600 });
  return path;
}
