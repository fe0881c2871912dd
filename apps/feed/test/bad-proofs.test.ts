import { z } from 'zod';
import { tokenTypes } from '#libs/contracts';
import { makeProof } from '#libs/trust';
import {
  at,
  type Door,
  doors,
  fetched,
  knock,
  openStand,
  publicBytes,
  stand,
  stranger,
  those,
  unsigned,
  wish,
} from './doors.fixture.js';
import { sha256 } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';
import { type Signer, signed } from './sign.fixture.js';

/*
 * Every kind of proof that must not be taken, at every door: what is answered is a problem document with the right
 * status, it is counted, and neither the answer nor the service's log has a stack or anything of the token in it.
 */

openStand();

type Prove = (door: Door, body: Buffer) => Promise<string | undefined> | string | undefined;
/** A proof by `key` that says it is `says`'s. */
const proofOf =
  (key: Signer, says: Signer = key, changed: { method?: string; path?: string; skewMs?: number } = {}): Prove =>
  ({ method, path }, body) =>
    makeProof({
      method: changed.method ?? method,
      path: changed.path ?? path(),
      body,
      at: new Date(at.getTime() + (changed.skewMs ?? 0)),
      privateKey: key.privateKey,
      publicJwk: says.jwk,
    });
const claimsOf = async (prove: Prove, door: Door, body: Buffer): Promise<object> =>
  z
    .looseObject({})
    .parse(JSON.parse(Buffer.from(String(await prove(door, body)).split('.')[1] ?? '', 'base64url').toString()));

/** What is no proof of the machine's. */
const badProofs: Readonly<Record<string, [Prove, string]>> = {
  none: [() => 'none', '401 proof-missing'],
  nonsense: [() => 'a.b.c', '401 proof-malformed-token'],
  'too long': [() => 'x'.repeat(5_000), '401 proof-malformed-token'],
  'signed by another key': [(...of) => proofOf(stranger, stand.machine.key)(...of), '401 proof-bad-signature'],
  'alg none': [
    async (...of) => unsigned('none', proofHead(), await claimsOf(proofOf(stand.machine.key), ...of)),
    '401 proof-wrong-algorithm',
  ],
  'HS256 with the public key': [
    async (...of) =>
      unsigned('HS256', proofHead(), await claimsOf(proofOf(stand.machine.key), ...of), publicBytes(stand.machine.key)),
    '401 proof-wrong-algorithm',
  ],
  'no signature': [
    async (...of) => unsigned('EdDSA', proofHead(), await claimsOf(proofOf(stand.machine.key), ...of)),
    '401 proof-bad-signature',
  ],
  'a key from somewhere else': [
    async (...of) =>
      signed(stand.machine.key, await claimsOf(proofOf(stand.machine.key), ...of), {
        typ: tokenTypes.proof,
        jwk: stand.machine.key.jwk,
        jku: 'https://keys.example',
      }),
    '401 proof-malformed-token',
  ],
  'a lease': [() => stand.machine.lease ?? '', '401 proof-wrong-typ'],
  'for another method': [
    (...of) => proofOf(stand.machine.key, stand.machine.key, { method: 'PUT' })(...of),
    '401 proof-wrong-request',
  ],
  'for another path': [
    (...of) => proofOf(stand.machine.key, stand.machine.key, { path: '/v1/machines/x' })(...of),
    '401 proof-wrong-request',
  ],
  'for another body': [
    (door) => proofOf(stand.machine.key)(door, Buffer.from('{"other":1}')),
    '401 proof-wrong-request',
  ],
  'of a clock that is behind': [
    (...of) => proofOf(stand.machine.key, stand.machine.key, { skewMs: -301_000 })(...of),
    '401 proof-stale-proof',
  ],
  'of a clock that runs ahead': [
    (...of) => proofOf(stand.machine.key, stand.machine.key, { skewMs: 301_000 })(...of),
    '401 proof-stale-proof',
  ],
};
const proofHead = (): object => ({ typ: tokenTypes.proof, jwk: stand.machine.key.jwk });

/** Bytes of the body as `TestMachine` sends them. */
const bytesOf = (body: object | undefined): Buffer =>
  body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));

describe.each(those(() => true))('%s', (_name, door) => {
  it.each(Object.entries(badProofs))('is shut to a proof that is %s', async (_what, [prove, expected]) => {
    const body = door.body?.();
    const proof = await prove(door, bytesOf(body));
    expect(await knock(door, { body, proof })).toBe(expected);
  });

  it('takes a proof once, and of a clock that is five minutes off at most', async () => {
    for (const skewMs of [-300_000, 300_000]) {
      const body = door.body?.();
      const proof = await proofOf(stand.machine.key, stand.machine.key, { skewMs })(door, bytesOf(body));
      expect(await knock(door, { body, proof })).toMatch(/^20[01]$/);
      expect(await knock(door, { body, proof })).toBe('401 proof-replayed');
    }
  });

  it('is shut to an operator’s token', async () => {
    expect(await knock(door, { proof: 'none', lease: 'the-operators-own-token-0' })).toBe('401 proof-missing');
  });
});

describe.each(those((door) => door.own === undefined && door.license === undefined))('%s', (_name, door) => {
  it('is shut to a machine that nobody knows', async () => {
    expect(await knock(door, { lease: '' }, new TestMachine(stand.under))).toBe('403 not-enrolled');
  });
});

describe.each(those(({ own: names }) => names))('%s', (_name, door) => {
  it('is shut to another customer’s machine', async () => {
    expect(await knock(door, { lease: '' }, stand.other)).toBe('403 not-your-machine');
  });
});

describe('one key on two machines', () => {
  const [here, there] = ['the machine', 'its copy'].map((name) => sha256(Buffer.from(name)));
  const renew = doors['another lease'] as Door;
  const asks = (hardware: string | undefined) => knock(renew, { body: { ...wish(), hardware } });

  it('is one machine: its copy gets no lease, the other goes on', async () => {
    await stand.machine.enrol(stand.token, { hardware: here });
    expect(await asks(there)).toBe('403 lease-refused machine-cloned');
    expect(await asks(here)).toBe('200');
    const told = await stand.under.factsOf(`machine.${stand.machine.id}`);
    expect(told.filter(({ type }) => type === 'LeaseRefused').at(-1)).toMatchObject({
      data: { reasons: [{ code: 'machine-cloned', advice: expect.stringContaining('a key of its own') }] },
    });
  });

  it('is the machine on which somebody registers it by hand', async () => {
    expect((await stand.machine.enrol(stand.token, { hardware: there })).status).toBe(201);
    expect(await asks(here)).toBe('403 lease-refused machine-cloned');
    expect(await asks(there)).toBe('200');
  });
});

it('a report of another machine’s doings is refused, though the proof is right', async () => {
  const body = { reportId: 'mixed', facts: [fetched(stand.machine), fetched(stand.other)] };
  expect(await knock(doors['reports'] as Door, { body })).toBe('403 not-your-machine');
  expect(await stand.under.factsOf(`machine.${stand.other.id}`)).not.toContainEqual(fetched(stand.other));
});
