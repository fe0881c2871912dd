import { z } from 'zod';
import { fact, leaseResponseSchema } from '#libs/contracts';
import { verifyLease } from '#libs/trust';
import { days, FeedUnderTest, hours, problemOf, running } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';

let under: FeedUnderTest;
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
});
afterEach(async () => under.stop());

const reasonsOf = async (response: Response): Promise<string[]> => {
  const body = (await response.json()) as { code: string; reasons: { code: string }[] };
  expect(body.code).toBe('lease-refused');
  return body.reasons.map((reason) => reason.code);
};
const typesOf = async (machine: TestMachine) => (await under.factsOf(`machine.${machine.id}`)).map((one) => one.type);

describe('a machine that enrols', () => {
  it('is told its id, its lease and where to listen', async () => {
    const machine = new TestMachine(under);
    const response = await machine.enrol(await under.license('lic-1'));
    expect(response.status).toBe(201);
    const answer = leaseResponseSchema.parse(await response.json());
    expect(answer).toMatchObject({
      machineId: machine.id,
      tier: 'stable',
      hints: {
        host: 'hints.example',
        port: 4222,
        token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        subjects: ['feed.debian.x86_64.6_1_0-54-amd64.stable'],
      },
    });
    const lease = await verifyLease(
      answer.lease,
      under.sign.keys,
      { machineId: machine.id, keyThumbprint: machine.keyThumbprint },
      under.clock.now(),
    );
    expect(lease).toMatchObject({ licenseId: 'lic-1', kernel: running, tier: 'stable', expiresAt: answer.expiresAt });
    const [enrolled, granted, ...more] = await under.factsOf(`machine.${machine.id}`);
    expect(enrolled).toMatchObject({
      type: 'MachineEnrolled',
      data: {
        licenseId: 'lic-1',
        customerId: 'customer-of-lic-1',
        hostname: 'web-1',
        keyThumbprint: machine.keyThumbprint,
      },
    });
    expect(granted).toMatchObject({ type: 'LeaseGranted', data: { expiresAt: answer.expiresAt } });
    expect(more).toEqual([]);
    const { events } = await under.events.readStream(`machine.${machine.id}`);
    expect(new Set(events.map((event) => event.position)).size).toBe(1);
  });

  it('enrols again without a new seat or a new event', async () => {
    const license = await under.license('lic-1', { seats: 1 });
    const machine = new TestMachine(under);
    await machine.enrol(license);
    const again = await machine.enrol(license);
    expect(again.status).toBe(201);
    expect(await typesOf(machine)).toEqual(['MachineEnrolled', 'LeaseGranted']);
  });

  it('does not wait for the lease’s end to use renewed terms', async () => {
    const license = await under.license('lic-1');
    const machine = new TestMachine(under);
    await machine.enrol(license);
    await under.license('lic-1', { tier: 'canary' });
    // The token says `stable` still; the log knows better.
    const renewed = await machine.renew(license);
    expect(renewed.status).toBe(200);
    expect(await renewed.json()).toMatchObject({ tier: 'canary' });
  });
});

describe('a machine is refused, with the reasons, and the refusal is recorded', () => {
  it.each([
    ['license-expired', { expiresAt: new Date(Date.now() - hours(1)).toISOString() }],
    ['license-not-yet-valid', { notBefore: new Date(Date.now() + hours(1)).toISOString() }],
    ['distro-not-covered', { distros: ['rhel'] }],
  ])('%s', async (code, terms) => {
    const machine = new TestMachine(under);
    const response = await machine.enrol(await under.license('lic-1', terms));
    expect(response.status).toBe(403);
    expect(await reasonsOf(response)).toEqual([code]);
    expect(await typesOf(machine)).toEqual(['LeaseRefused']);
    await machine.enrol(await under.license('lic-1', terms));
    expect(await typesOf(machine)).toEqual(['LeaseRefused']);
  });

  it('license-unknown: genuine, but the log does not hold it', async () => {
    const other = new FeedUnderTest();
    Object.assign(other, { sign: under.sign });
    const machine = new TestMachine(under);
    expect(await reasonsOf(await machine.enrol(await other.license('lic-9')))).toEqual(['license-unknown']);
    expect(await typesOf(machine)).toEqual(['LeaseRefused']);
  });

  it('license-revoked', async () => {
    const license = await under.license('lic-1');
    const [enrolled, fresh] = [new TestMachine(under), new TestMachine(under)];
    await enrolled.enrol(license);
    await under.revoke('lic-1');
    expect(await reasonsOf(await fresh.enrol(license))).toEqual(['license-revoked']);
    expect(await reasonsOf(await enrolled.renew(license))).toEqual(['license-revoked']);
    expect(await typesOf(enrolled)).toEqual(['MachineEnrolled', 'LeaseGranted', 'LeaseRefused']);
  });

  it('no-seat-left, even when all come at once', async () => {
    const license = await under.license('lic-1', { seats: 3 });
    const machines = Array.from({ length: 8 }, () => new TestMachine(under));
    under.slowAppends(30);
    const answers = await Promise.all(machines.map((machine) => machine.enrol(license)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(3);
    const refused = answers.filter((answer) => answer.status === 403);
    expect(refused).toHaveLength(5);
    for (const answer of refused) expect(await reasonsOf(answer)).toEqual(['no-seat-left']);
  });

  it('a seat is free again once its machine moves to another licence', async () => {
    const [small, large] = [await under.license('small', { seats: 1 }), await under.license('large')];
    const [first, second] = [new TestMachine(under), new TestMachine(under)];
    await first.enrol(small);
    expect((await second.enrol(small)).status).toBe(403);
    expect((await first.renew(large)).status).toBe(200);
    expect((await second.enrol(small)).status).toBe(201);
  });
});

const unseat = async (machine: TestMachine, type: 'MachineReleased' | 'MachineRetired') => {
  const data = { machineId: machine.id, reason: 'moved' };
  const stream = `machine.${machine.id}` as const;
  if (type === 'MachineRetired') await under.record(stream, fact(type, data));
  else await under.record(stream, fact(type, { ...data, licenseId: 'lic-1' }));
  await under.settled();
};

describe('a machine that an operator', () => {
  it('released gets nothing new on its lease, keeps what it has, and hears of recalls', async () => {
    const license = await under.license('lic-1', { seats: 1 });
    const [machine, next] = [new TestMachine(under), new TestMachine(under)];
    await under.bundle('old', 'stable');
    await under.bundle('bad', 'stable');
    await machine.enrol(license);
    for (const bundleId of ['old', 'bad']) {
      await machine.report(bundleId, fact('UpdateApplied', { machineId: machine.id, bundleId, transitionMs: 1 }));
    }
    await under.bundle('new', 'stable');
    await unseat(machine, 'MachineReleased');
    await under.recall('bad');
    expect(await machine.offered()).toEqual(['old', 'bad recalled']);
    expect(await problemOf(await machine.artefact('new'))).toBe('403 not-entitled');
    expect(await reasonsOf(await machine.renew(license))).toEqual(['machine-released']);
    expect((await next.enrol(license)).status).toBe(201);
    expect(await reasonsOf(await machine.enrol(license))).toEqual(['no-seat-left']);
    await unseat(next, 'MachineReleased');
    expect((await machine.enrol(license)).status).toBe(201);
    expect(await machine.offered()).toEqual(['old', 'bad recalled', 'new']);
  });

  it('retired is never let in again, and its seat is another’s', async () => {
    const license = await under.license('lic-1', { seats: 1 });
    const [machine, next] = [new TestMachine(under), new TestMachine(under)];
    await machine.enrol(license);
    await unseat(machine, 'MachineRetired');
    expect(await reasonsOf(await machine.enrol(license))).toEqual(['machine-retired']);
    expect(await reasonsOf(await machine.renew(license))).toEqual(['machine-retired']);
    expect((await next.enrol(license)).status).toBe(201);
  });
});

it('a lease from before a transfer brings nothing new', async () => {
  const license = await under.license('lic-1', { kind: 'subscription' });
  const machine = new TestMachine(under);
  await machine.enrol(license);
  await under.bundle('b1', 'stable');
  expect(await machine.offered()).toEqual(['b1']);
  await under.record(
    'license.lic-1',
    fact('LicenseTransferred', {
      licenseId: 'lic-1',
      from: 'customer-of-lic-1',
      customerId: 'other',
      rev: 2,
      transferredAt: under.clock.now().toISOString(),
      reason: 'bought',
    }),
  );
  await under.settled();
  expect(await machine.offered()).toEqual([]);
  expect(await problemOf(await machine.artefact('b1'))).toBe('403 not-entitled');
  expect(await reasonsOf(await machine.renew(license))).toEqual(['license-transferred']);
});

describe('a machine is turned away without a trace', () => {
  it('with a licence that is not genuine', async () => {
    const license = await under.license('lic-1');
    const other = new FeedUnderTest();
    const foreign = await other.license('lic-1');
    const cases: [string, string][] = [
      [foreign, 'license-bad-signature'],
      [license.slice(0, -4) + 'AAAA', 'license-bad-signature'],
      ['nonsense', 'license-malformed-token'],
    ];
    for (const [token, code] of cases) {
      const machine = new TestMachine(under);
      expect(await reasonsOf(await machine.enrol(token))).toEqual([code]);
      expect(await typesOf(machine)).toEqual([]);
    }
    const machine = new TestMachine(under);
    await machine.enrol(license);
    const holder = new TestMachine(under);
    expect(await reasonsOf(await holder.enrol(machine.lease ?? ''))).toEqual(['license-wrong-typ']);
  });

  it('when it renews without having enrolled, or for another', async () => {
    const license = await under.license('lic-1');
    const [machine, other] = [new TestMachine(under), new TestMachine(under)];
    expect(await problemOf(await machine.renew(license))).toBe('403 not-enrolled');
    await other.enrol(license);
    const body = { license, kernel: running };
    const theft = await machine.send('POST', `/v1/machines/${other.id}/lease`, { body });
    expect(await problemOf(theft)).toBe('403 not-your-machine');
  });

  it('with a body that is not valid, each field by its pointer', async () => {
    const machine = new TestMachine(under);
    const response = await machine.enrol('x', { kernel: { ...running, buildId: 'no' }, hostname: '' });
    expect(response.status).toBe(422);
    const { errors } = (await response.json()) as { errors: { pointer: string }[] };
    expect(errors.map((error) => error.pointer)).toEqual(['/hostname', '/kernel/buildId']);
  });

  it('while nobody signs', async () => {
    const license = await under.license('lic-1');
    const machine = new TestMachine(under);
    await machine.enrol(license);
    await under.requests.close();
    expect(await problemOf(await machine.renew(license))).toBe('503 signer-unavailable');
    await under.startFeed();
    expect(await problemOf(await machine.renew(license))).toBe('503 trust-unknown');
  });

  it.each(['lease-ended', 'not-in-log'])('when the signer finds it overtaken (%s): it may ask again', async (code) => {
    const license = await under.license('lic-1');
    const machine = new TestMachine(under);
    await machine.enrol(license);
    await under.requests.close();
    await under.requests.respond('sign.keys', 'sign', async () => under.sign.keys);
    await under.requests.respond('sign.lease', 'sign', async () => {
      throw Object.assign(new Error('it changed while it was on its way'), { code });
    });
    expect(await problemOf(await machine.renew(license))).toBe('503 lease-overtaken');
  });
});

describe('a proof', () => {
  it('is needed, and good for one request only', async () => {
    const machine = new TestMachine(under);
    await machine.enrol(await under.license('lic-1'));
    const path = `/v1/machines/${machine.id}/updates`;
    expect(await problemOf(await machine.send('GET', path, { proof: 'none' }))).toBe('401 proof-missing');
    const proof = await machine.prove('GET', path);
    expect((await machine.send('GET', path, { proof })).status).toBe(200);
    expect(await problemOf(await machine.send('GET', path, { proof }))).toBe('401 proof-replayed');
    const elsewhere = await machine.prove('GET', `${path}?x=1`);
    expect(await problemOf(await machine.send('GET', path, { proof: elsewhere }))).toBe('401 proof-wrong-request');
    expect((await machine.send('GET', `${path}?x=1`, { proof: elsewhere })).status).toBe(200);
  });

  it('covers the body', async () => {
    const machine = new TestMachine(under);
    const token = await under.license('lic-1');
    const proof = await machine.prove('POST', '/v1/machines', Buffer.from('{}'));
    const body = { license: token, kernel: running };
    expect(await problemOf(await machine.send('POST', '/v1/machines', { body, proof }))).toBe(
      '401 proof-wrong-request',
    );
  });

  it('is of now', async () => {
    const machine = new TestMachine(under);
    await machine.enrol(await under.license('lic-1'));
    const path = `/v1/machines/${machine.id}/updates`;
    const proof = await machine.prove('GET', path);
    under.clock.offsetMs = hours(1);
    expect(await problemOf(await machine.send('GET', path, { proof }))).toBe('401 proof-stale-proof');
  });

  it('is not enough for another machine’s lease', async () => {
    const token = await under.license('lic-1');
    const [machine, thief] = [new TestMachine(under), new TestMachine(under)];
    await machine.enrol(token);
    await thief.enrol(token);
    const path = `/v1/machines/${thief.id}/updates`;
    const stolen = await thief.send('GET', path, { lease: machine.lease ?? '' });
    expect(await problemOf(stolen)).toBe('403 lease-wrong-subject');
    expect(await problemOf(await thief.send('GET', path, { lease: token }))).toBe('401 lease-wrong-typ');
  });

  it('and a lease end', async () => {
    const machine = new TestMachine(under);
    await under.bundle('b1', 'stable');
    await machine.enrol(await under.license('lic-1'));
    expect((await machine.artefact('b1')).status).toBe(200);
    under.clock.offsetMs = days(7.01);
    expect(await problemOf(await machine.artefact('b1'))).toBe('401 lease-expired');
    expect(await machine.offered()).toEqual([]);
  });
});

it('refuses a body that is too large, before it looks at anything else', async () => {
  const machine = new TestMachine(under);
  const response = await machine.send('POST', '/v1/machines', { body: 'x'.repeat(600_000), proof: 'x' });
  expect(await problemOf(response)).toBe('413 body-too-large');
});

describe('hardware', () => {
  const uuid = 'a1'.repeat(32);

  it('is kept as a mark, never as it was told', async () => {
    const machine = new TestMachine(under);
    await machine.enrol(await under.license('lic-1'), { hardware: uuid });
    const [enrolled] = await under.factsOf(`machine.${machine.id}`);
    expect(enrolled).toMatchObject({ data: { hardware: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) } });
    expect(JSON.stringify(enrolled)).not.toContain(uuid);
  });

  it('has one trial, and an installation on it takes the seat of the one before', async () => {
    const trial = await under.license('lic-1', { kind: 'trial', seats: 1 });
    const first = new TestMachine(under);
    const second = new TestMachine(under);
    expect((await first.enrol(trial, { hardware: uuid })).status).toBe(201);
    expect((await second.enrol(trial, { hardware: uuid })).status).toBe(201);
    expect(await reasonsOf(await first.renew(trial))).toEqual(['hardware-enrolled-again']);
    expect((await second.renew(trial)).status).toBe(200);
    const other = await under.license('lic-2', { kind: 'trial' });
    expect(await reasonsOf(await new TestMachine(under).enrol(other, { hardware: uuid }))).toEqual([
      'trial-used-on-machine',
    ]);
  });

  it('is asked for by other stages', async () => {
    const license = await under.license('lic-1', { seats: 1 });
    const machine = new TestMachine(under);
    await machine.enrol(license);
    const ask = (machineId: string) => under.standings.standing({ licenseId: 'lic-1', machineId });
    expect(ask(machine.id)).toMatchObject({ seated: true, otherMachines: 0 });
    expect(ask('another')).toMatchObject({ seated: false, otherMachines: 1, enrolmentsToday: 1 });
    expect(() => ask('NOT AN ID')).toThrow(z.ZodError);
  });
});
