import { createHmac, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { fact, tokenTypes } from '#libs/contracts';
import { leaseClaimsOf, licenseClaimsOf, makeProof, type Lease } from '#libs/trust';
import { days, FeedUnderTest, running, sha256 } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';
import { newKey, type Signer, signed } from './sign.fixture.js';

/*
 * Every kind of token that must not be taken, at every door that takes one: what is answered is a problem document with the right
 * status, it is counted, and neither the answer nor the service's log has a stack or anything of the token in it.
 */

const at = new Date('2026-11-23T10:00:00.000Z');
const license = 'lic-1';

let under: FeedUnderTest;
let machine: TestMachine;
/** Of another customer. */
let other: TestMachine;
let token: string;
let artefact: Buffer;

beforeAll(async () => {
  under = new FeedUnderTest();
  under.clock.fixed = at;
  await under.start();
  [machine, other] = [new TestMachine(under), new TestMachine(under)];
  token = await under.license(license);
  artefact = await under.bundle('b1', 'stable');
  await machine.enrol(token, { hardware: sha256(Buffer.from('the machine')) });
  await other.enrol(await under.license('lic-2'));
});
afterAll(async () => under.stop());
afterEach(() => (under.clock.fixed = at));

interface Door {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly path: () => string;
  readonly body?: () => object;
  /** The path names the machine. */
  readonly own?: true;
  /** It shows its licence. */
  readonly license?: true;
  /** It shows its lease: `needed` where nothing is had without. */
  readonly lease?: 'needed' | 'if-any';
}

const own = (what: string) => (): string => `/v1/machines/${machine.id}/${what}`;
const wish = (): object => ({ license: token, kernel: running });
let reports = 0;
const doors: Readonly<Record<string, Door>> = {
  enrolment: { method: 'POST', path: () => '/v1/machines', body: wish, license: true },
  'another lease': { method: 'POST', path: own('lease'), body: wish, own: true, license: true },
  updates: { method: 'GET', path: own('updates'), own: true, lease: 'if-any' },
  hints: { method: 'GET', path: own('hints?wait=0'), own: true, lease: 'if-any' },
  reports: {
    method: 'POST',
    path: own('reports'),
    body: () => ({ reportId: `r${(reports += 1)}`, facts: [fetched(machine)] }),
    own: true,
  },
  'an artefact': { method: 'GET', path: () => '/v1/bundles/b1/artefact', lease: 'needed' },
  'an artefact’s size': { method: 'HEAD', path: () => '/v1/bundles/b1/artefact', lease: 'needed' },
  'a target of the metadata': {
    method: 'GET',
    path: () => `/tuf/targets/debian-x86_64/${running.release}/${sha256(artefact)}.b1.tar.gz`,
    lease: 'needed',
  },
};
const fetched = ({ id: machineId }: TestMachine) => fact('UpdateStaged', { machineId, bundleId: 'b1' });
const those = (which: (door: Door) => unknown): readonly [string, Door][] =>
  Object.entries(doors).filter(([, door]) => which(door));

const problemSchema = z.object({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  code: z.string().regex(/^[a-z][a-z0-9-]+$/),
  reasons: z.array(z.object({ code: z.string(), reason: z.string() })).optional(),
});

interface Shown {
  readonly proof?: string;
  readonly lease?: string;
  readonly body?: object;
  /** Nothing of these may be seen in the answer or in the log. */
  readonly secrets?: readonly string[];
}

/**
 * Sends one request, and sees that a refusal is told, counted and kept as it must be.
 * @returns `200`, `401 proof-missing`, `403 lease-refused license-revoked`
 */
async function knock({ method, path, body }: Door, shown: Shown = {}, as = machine): Promise<string> {
  const [before, lines] = [await counted(), under.said.length];
  const response = await as.send(method, path(), { body: body?.(), ...shown });
  const text = await response.text();
  await under.settled();
  const counts = [...(await counted())].map(([what, count]) => [what, count - (before.get(what) ?? 0)] as const);
  const refused = counts.filter(([, times]) => times > 0);
  keepsQuiet([...under.said.slice(lines), ...(response.ok ? [] : [text])].join('\n'), shown);
  // Each once: the problem, and each reason that it has.
  expect(refused.map(([, times]) => times)).toEqual(refused.map(() => 1));
  if (response.ok) return String(response.status);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const codes = refused.flatMap(([what]) => (what.startsWith('request ') ? [what.slice('request '.length)] : []));
  const reasons = refused.flatMap(([what]) => (what.startsWith('request ') ? [] : (what.split(' ')[1] ?? '')));
  // The answer to HEAD is the same but for the document.
  if (method !== 'HEAD') {
    const problem = problemSchema.parse(JSON.parse(text));
    expect([problem.status, [problem.code]]).toEqual([response.status, codes]);
    expect(problem.type).toBe(`urn:splicecast:problem:${problem.code}`);
    expect((problem.reasons ?? []).map(({ code }) => code)).toEqual(reasons);
  }
  return [response.status, ...codes, ...reasons].join(' ');
}

/** No stack, and nothing of what was shown; but a token's header, which is the same in all of a kind. */
function keepsQuiet(heard: string, { proof, lease, secrets = [] }: Shown): void {
  for (const token of [proof, lease, ...secrets]) {
    const [, ...parts] = token?.split('.') ?? [];
    for (const part of parts.filter(({ length }) => length >= 16)) expect(heard).not.toContain(part);
  }
  expect(heard).not.toMatch(/\n\s+at |node_modules|\.[jt]s:\d/);
}

/** What Prometheus is told of refusals: `request proof-missing` → how many. */
async function counted(): Promise<Map<string, number>> {
  const lines = (await under.metricsText()).matchAll(
    /^splicecast_refusals_total\{what="(.+?)",code="(.+?)"\} (\d+)$/gm,
  );
  return new Map([...lines].map(([, what, code, count]) => [`${what} ${code}`, Number(count)]));
}

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed by nobody, or with what everybody knows. */
function unsigned(alg: string, header: object, claims: object, secret?: KeyObject | Buffer): string {
  const input = `${segment({ alg, ...header })}.${segment(claims)}`;
  return `${input}.${secret === undefined ? '' : createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const publicBytes = ({ jwk }: Signer): Buffer => Buffer.from(jwk.x, 'base64url');

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
const stranger = newKey();

/** What is no proof of the machine's. */
const badProofs: Readonly<Record<string, [Prove, string]>> = {
  none: [() => 'none', '401 proof-missing'],
  nonsense: [() => 'a.b.c', '401 proof-malformed-token'],
  'too long': [() => 'x'.repeat(5_000), '401 proof-malformed-token'],
  'signed by another key': [(...of) => proofOf(stranger, machine.key)(...of), '401 proof-bad-signature'],
  'alg none': [
    async (...of) => unsigned('none', proofHead(), await claimsOf(proofOf(machine.key), ...of)),
    '401 proof-wrong-algorithm',
  ],
  'HS256 with the public key': [
    async (...of) =>
      unsigned('HS256', proofHead(), await claimsOf(proofOf(machine.key), ...of), publicBytes(machine.key)),
    '401 proof-wrong-algorithm',
  ],
  'no signature': [
    async (...of) => unsigned('EdDSA', proofHead(), await claimsOf(proofOf(machine.key), ...of)),
    '401 proof-bad-signature',
  ],
  'a key from somewhere else': [
    async (...of) =>
      signed(machine.key, await claimsOf(proofOf(machine.key), ...of), {
        typ: tokenTypes.proof,
        jwk: machine.key.jwk,
        jku: 'https://keys.example',
      }),
    '401 proof-malformed-token',
  ],
  'a lease': [() => machine.lease ?? '', '401 proof-wrong-typ'],
  'for another method': [
    (...of) => proofOf(machine.key, machine.key, { method: 'PUT' })(...of),
    '401 proof-wrong-request',
  ],
  'for another path': [
    (...of) => proofOf(machine.key, machine.key, { path: '/v1/machines/x' })(...of),
    '401 proof-wrong-request',
  ],
  'for another body': [(door) => proofOf(machine.key)(door, Buffer.from('{"other":1}')), '401 proof-wrong-request'],
  'of a clock that is behind': [
    (...of) => proofOf(machine.key, machine.key, { skewMs: -301_000 })(...of),
    '401 proof-stale-proof',
  ],
  'of a clock that runs ahead': [
    (...of) => proofOf(machine.key, machine.key, { skewMs: 301_000 })(...of),
    '401 proof-stale-proof',
  ],
};
const proofHead = (): object => ({ typ: tokenTypes.proof, jwk: machine.key.jwk });

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
      const proof = await proofOf(machine.key, machine.key, { skewMs })(door, bytesOf(body));
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
    expect(await knock(door, { lease: '' }, new TestMachine(under))).toBe('403 not-enrolled');
  });
});

describe.each(those(({ own: names }) => names))('%s', (_name, door) => {
  it('is shut to another customer’s machine', async () => {
    expect(await knock(door, { lease: '' }, other)).toBe('403 not-your-machine');
  });
});

/** The machine's lease as sign would grant it, with changes. */
const lease = (changed: Partial<Lease> = {}, claims: object = {}, issuedAt = at): object => ({
  ...leaseClaimsOf(
    {
      leaseId: 'lease-x',
      machineId: machine.id,
      licenseId: license,
      rev: 1,
      kernel: running,
      tier: 'stable',
      keyThumbprint: machine.keyThumbprint,
      expiresAt: new Date(at.getTime() + days(1)).toISOString(),
      ...changed,
    },
    issuedAt.toISOString(),
  ),
  ...claims,
});
const head = { typ: tokenTypes.lease, kid: 'lease' };
const seconds = (ms: number): number => Math.floor((at.getTime() + ms) / 1000);
const bySign = (claims: object, header: object = {}): Promise<string> =>
  signed(under.sign.lease, claims, { ...head, ...header });

/** What is no lease that holds. */
const badLeases: Readonly<Record<string, [() => Promise<string> | string, string]>> = {
  nonsense: [() => 'a.b.c', '401 lease-malformed-token'],
  'signed by another key': [() => signed(stranger, lease(), head), '401 lease-bad-signature'],
  'signed by the machine itself': [() => signed(machine.key, lease(), head), '401 lease-bad-signature'],
  'signed by a key that signs licences': [
    () => signed(under.sign.license, lease(), { ...head, kid: 'license' }),
    '401 lease-unknown-key',
  ],
  'changed after it was signed': [
    async () => {
      const [header, , signature] = (await bySign(lease())).split('.');
      return [header, segment(lease({ tier: 'canary' })), signature].join('.');
    },
    '401 lease-bad-signature',
  ],
  'alg none': [() => unsigned('none', head, lease()), '401 lease-wrong-algorithm'],
  'HS256 with the public key': [
    () => unsigned('HS256', head, lease(), publicBytes(under.sign.lease)),
    '401 lease-wrong-algorithm',
  ],
  'a licence': [() => token, '401 lease-wrong-typ'],
  'with a key of its own in the header': [() => bySign(lease(), { jwk: machine.key.jwk }), '401 lease-malformed-token'],
  'for another audience': [() => bySign(lease({}, { aud: 'splicecast-enrolment' })), '403 lease-wrong-audience'],
  'of another issuer': [() => bySign(lease({}, { iss: 'another' })), '401 lease-wrong-issuer'],
  'without an end': [() => bySign(lease({}, { exp: undefined })), '401 lease-malformed-token'],
  'not valid yet': [() => bySign(lease({}, { nbf: seconds(61_000) })), '401 lease-not-yet-valid'],
  'another machine’s': [() => other.lease ?? '', '403 lease-wrong-subject'],
  'bound to another key': [() => bySign(lease({ keyThumbprint: other.keyThumbprint })), '403 lease-wrong-key'],
};

describe.each(those((door) => door.lease))('%s', (_name, door) => {
  it.each(Object.entries(badLeases))('is shut to a lease that is %s', async (_what, [forge, expected]) => {
    expect(await knock(door, { lease: await forge() })).toBe(expected);
  });

  it('takes a lease of a clock that runs a minute ahead', async () => {
    expect(await knock(door, { lease: await bySign(lease({}, { nbf: seconds(60_000) })) })).toBe('200');
  });
});

describe.each(those((door) => door.lease === 'needed'))('%s', (_name, door) => {
  it('is open until the lease’s last moment', async () => {
    const ends = await bySign(lease({ expiresAt: new Date(at.getTime() + 60_000).toISOString() }));
    for (const [afterMs, expected] of [
      [59_999, '200'],
      [60_000, '401 lease-expired'],
    ] as const) {
      under.clock.fixed = new Date(at.getTime() + afterMs);
      expect(await knock(door, { lease: ends })).toBe(expected);
    }
    expect(await knock(door, { lease: '' })).toBe('401 lease-missing');
  });

  it('is shut to a lease of another licence than the machine has, and to what is for another kernel', async () => {
    expect(await knock(door, { lease: await bySign(lease({ licenseId: 'lic-2' })) })).toBe(
      '403 not-entitled license-changed',
    );
    const elsewhere = { ...running, buildId: 'cd'.repeat(20) };
    expect(await knock(door, { lease: await bySign(lease({ kernel: elsewhere })) })).toBe('403 not-entitled');
  });
});

/** A licence as it was issued, with changes. */
function licensed(changed: object = {}, terms: object = {}): object {
  const claims = licenseClaimsOf(
    {
      licenseId: license,
      customerId: `customer-of-${license}`,
      rev: 1,
      terms: {
        kind: 'trial',
        distros: ['debian'],
        tier: 'stable',
        seats: 10,
        notBefore: new Date(at.getTime() - days(1)).toISOString(),
        expiresAt: new Date(at.getTime() + days(29)).toISOString(),
        graceSec: 0,
      },
    },
    at.toISOString(),
  );
  return { ...claims, ...changed, lic: { ...claims.lic, ...terms } };
}
const licenseHead = { typ: tokenTypes.license, kid: 'license' };
const signLicense = (claims: object, header: object = {}): Promise<string> =>
  signed(under.sign.license, claims, { ...licenseHead, ...header });

/** What is no licence, and why there is no lease then. */
const badLicenses: Readonly<Record<string, [() => Promise<string> | string, string]>> = {
  nonsense: [() => 'a.b.c', 'license-malformed-token'],
  'signed by another key': [() => signed(stranger, licensed(), licenseHead), 'license-bad-signature'],
  'signed by the key of leases': [
    () => signed(under.sign.lease, licensed(), { ...licenseHead, kid: 'lease' }),
    'license-unknown-key',
  ],
  'alg none': [() => unsigned('none', licenseHead, licensed()), 'license-wrong-algorithm'],
  'HS256 with the public key': [
    () => unsigned('HS256', licenseHead, licensed(), publicBytes(under.sign.license)),
    'license-wrong-algorithm',
  ],
  'a lease': [() => machine.lease ?? '', 'license-wrong-typ'],
  'for another audience': [() => signLicense(licensed({ aud: 'splicecast-feed' })), 'license-wrong-audience'],
  'of another issuer': [() => signLicense(licensed({ iss: 'another' })), 'license-wrong-issuer'],
  'genuine, of a licence that the log has not': [() => signLicense(licensed({}, { id: 'lic-9' })), 'license-unknown'],
  'genuine, of another customer’s licence': [() => signLicense(licensed({ sub: 'somebody' })), 'license-unknown'],
};

/** The token of a subscription that begins and ends so many ms from now. */
const subscription = (licenseId: string, notBefore: number, expiresAt: number): Promise<string> =>
  under.license(licenseId, {
    // A machine has one trial only.
    kind: 'subscription',
    notBefore: new Date(at.getTime() + notBefore).toISOString(),
    expiresAt: new Date(at.getTime() + expiresAt).toISOString(),
  });

describe.each(those((door) => door.license))('%s', (_name, door) => {
  it.each(Object.entries(badLicenses))('is shut to a licence that is %s', async (_what, [forge, code]) => {
    const shown = await forge();
    const body = { license: shown, kernel: running };
    expect(await knock(door, { body, secrets: [shown] })).toBe(`403 lease-refused ${code}`);
  });

  it('goes by the terms of the log, whatever the token says: not before its beginning, nor from its end on', async () => {
    const name = door.own === undefined ? 'e' : 'r';
    for (const [shown, expected] of [
      [await subscription(`${name}-early`, 1_000, days(30)), '403 lease-refused license-not-yet-valid'],
      [await subscription(`${name}-begun`, 0, days(30)), door.own === undefined ? '201' : '200'],
      [await subscription(`${name}-over`, -days(30), 0), '403 lease-refused license-expired'],
      [await subscription(`${name}-last`, -days(30), 1_000), door.own === undefined ? '201' : '200'],
    ] as const) {
      const body = { license: shown, kernel: running };
      expect(await knock(door, { body, secrets: [shown] })).toBe(expected);
    }
    await machine.enrol(token);
  });

  it('is shut to what was revoked', async () => {
    const id = `gone-${door.own === undefined ? 'e' : 'r'}`;
    const shown = await under.license(id, { kind: 'subscription' });
    await under.revoke(id);
    const body = { license: shown, kernel: running };
    expect(await knock(door, { body, secrets: [shown] })).toBe('403 lease-refused license-revoked');
  });
});

describe('one key on two machines', () => {
  const [here, there] = ['the machine', 'its copy'].map((name) => sha256(Buffer.from(name)));
  const renew = doors['another lease'] as Door;
  const asks = (hardware: string | undefined) => knock(renew, { body: { ...wish(), hardware } });

  it('is one machine: its copy gets no lease, the other goes on', async () => {
    await machine.enrol(token, { hardware: here });
    expect(await asks(there)).toBe('403 lease-refused machine-cloned');
    expect(await asks(here)).toBe('200');
    const told = await under.factsOf(`machine.${machine.id}`);
    expect(told.filter(({ type }) => type === 'LeaseRefused').at(-1)).toMatchObject({
      data: { reasons: [{ code: 'machine-cloned', advice: expect.stringContaining('a key of its own') }] },
    });
  });

  it('is the machine on which somebody registers it by hand', async () => {
    expect((await machine.enrol(token, { hardware: there })).status).toBe(201);
    expect(await asks(here)).toBe('403 lease-refused machine-cloned');
    expect(await asks(there)).toBe('200');
  });
});

it('a report of another machine’s doings is refused, though the proof is right', async () => {
  const body = { reportId: 'mixed', facts: [fetched(machine), fetched(other)] };
  expect(await knock(doors['reports'] as Door, { body })).toBe('403 not-your-machine');
  expect(await under.factsOf(`machine.${other.id}`)).not.toContainEqual(fetched(other));
});

it('what was shown before a revocation is of no use after it, wherever it is shown', async () => {
  const shown = machine.lease ?? '';
  await under.revoke(license);
  for (const [, door] of those((one) => one.lease)) {
    const nothing = door.lease === 'needed' ? '403 not-entitled license-revoked' : '200';
    expect(await knock(door, { lease: shown })).toBe(nothing);
  }
  // What it had fetched is told of still, and nothing else.
  expect(await machine.offered()).toEqual(['b1']);
});
