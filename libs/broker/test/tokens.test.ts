import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from 'nats';
import {
  authenticatorFor,
  type BrokerKeys,
  hintsAccountToken,
  listenerNkey,
  listenerToken,
  nkeyOf,
  openBrokerKeys,
  publisherUser,
} from '../src/index.js';

let folder: string;
let keys: BrokerKeys;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-broker-'));
  keys = await openBrokerKeys(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const machine = generateKeyPairSync('ed25519').privateKey;
const { x = '' } = machine.export({ format: 'jwk' });
const listener = {
  machineId: 'm1',
  x,
  subjects: ['feed.debian.x86_64.6_1.stable'],
  from: new Date('2026-11-01T00:00:00.900Z'),
  until: new Date('2026-11-08T00:00:00.000Z'),
};

/** Reads a token as NATS's own library for keys understands it. */
function opened(token: string): Record<string, unknown> {
  const [header = '', claims = '', signature = ''] = token.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ typ: 'JWT', alg: 'ed25519-nkey' });
  const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iss: string };
  const issuer = nkeys.fromPublic(read.iss);
  expect(issuer.verify(Buffer.from(`${header}.${claims}`), Buffer.from(signature, 'base64url'))).toBe(true);
  return { ...read };
}

test.each(['operator', 'account', 'user'] as const)("an %s's key has the name that NATS gives it", (kind) => {
  const create = { operator: nkeys.createOperator, account: nkeys.createAccount, user: nkeys.createUser }[kind];
  for (let n = 0; n < 3; n += 1) {
    const pair = create();
    // A seed in PKCS #8 (RFC 8410): nkeys' seed is prefix (2), seed (32), checksum (2), in base32.
    const raw = Buffer.from(decodeBase32(Buffer.from(pair.getSeed()).toString())).subarray(2, 34);
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), raw]);
    expect(nkeyOf(kind, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))).toBe(pair.getPublicKey());
  }
});

function decodeBase32(text: string): number[] {
  const bits = Array.from(text)
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('');
  return Array.from({ length: Math.floor(bits.length / 8) }, (_, n) => parseInt(bits.slice(8 * n, 8 * n + 8), 2));
}

test('a key of another length has no name', () => {
  expect(() => listenerNkey('AAAA')).toThrow(TypeError);
});

test('a machine’s token says what it may hear, and until when, and that it may say nothing', () => {
  expect(opened(listenerToken(keys, listener))).toEqual({
    jti: expect.stringMatching(/^[A-Z2-7]{52}$/),
    name: 'm1',
    sub: listenerNkey(x),
    iss: nkeyOf('account', keys.hints),
    iat: Date.parse('2026-11-01T00:00:00Z') / 1000,
    exp: Date.parse('2026-11-08T00:00:00Z') / 1000,
    nats: {
      type: 'user',
      version: 2,
      pub: { deny: ['>'] },
      sub: { allow: listener.subjects },
      subs: 2,
      payload: 0,
      data: -1,
    },
  });
});

test('the machines’ account names who is cut off', () => {
  const revocations = { [listenerNkey(x)]: 1_790_000_000 };
  expect(opened(hintsAccountToken(keys, revocations, 5))).toMatchObject({ iat: 5, nats: { revocations } });
  expect(opened(hintsAccountToken(keys, {}, 5))['nats']).not.toHaveProperty('revocations');
});

test('keys are made once, are their owner’s only, and are never made anew in the place of broken ones', async () => {
  const path = join(folder, 'broker-keys.json');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const text = await readFile(path, 'utf8');
  const again = await openBrokerKeys(folder);
  expect(nkeyOf('operator', again.operator)).toBe(nkeyOf('operator', keys.operator));
  const broken = await mkdtemp(join(tmpdir(), 'splicecast-broker-'));
  await writeFile(join(broken, 'broker-keys.json'), text.slice(0, -20));
  await expect(openBrokerKeys(broken)).rejects.toThrow(/bring it back from a copy/);
  await rm(broken, { recursive: true, force: true });
});

test('what a server asks to be signed is signed only if it can’t be a token’s', () => {
  const authenticate = authenticatorFor({ token: 't', key: machine });
  const user = nkeys.fromPublic(listenerNkey(x));
  const nonce = randomBytes(11).toString('base64url');
  const { sig } = authenticate(nonce) as { sig: string };
  expect(user.verify(Buffer.from(nonce), Buffer.from(sig, 'base64url'))).toBe(true);
  const header = Buffer.from('{"alg":"EdDSA","typ":"splicecast-proof+jwt"}').toString('base64url');
  for (const asked of [
    `${header}.${Buffer.from('{}').toString('base64url')}`,
    '',
    'short',
    'a b c d e f g h',
    'é'.repeat(20),
  ]) {
    expect(authenticate(asked)).toEqual({ jwt: 't', sig: '' });
  }
});

test('a token that is renewed is asked for at each connection', () => {
  let token = 'first';
  const authenticate = authenticatorFor({ token: () => token, key: publisherUser(keys).key });
  token = 'second';
  expect(authenticate(randomBytes(11).toString('base64url'))).toMatchObject({ jwt: 'second' });
});
