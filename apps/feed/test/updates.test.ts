import { fact, updatesResponseSchema } from '#libs/contracts';
import { days, FeedUnderTest, kernel, problemOf, sha256 } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';

let under: FeedUnderTest;
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
});
afterEach(async () => under.stop());

async function enrolled(licenseId = 'lic-1', terms: object = {}): Promise<TestMachine> {
  const machine = new TestMachine(under);
  expect((await machine.enrol(await under.license(licenseId, terms))).status).toBe(201);
  return machine;
}

describe('updates', () => {
  it('are the signed bundles of the machine’s kernel that have reached its tier, oldest first', async () => {
    await under.bundle('b1', 'stable');
    await under.bundle('b2', 'early');
    await under.bundle('b3', 'canary');
    await under.bundle('b4');
    await under.bundle('b5', 'stable', { ...kernel, buildId: 'cd'.repeat(20) });
    await under.bundle('b6', 'stable');
    expect(await (await enrolled('l1')).offered()).toEqual(['b1', 'b6']);
    expect(await (await enrolled('l2', { tier: 'early' })).offered()).toEqual(['b1', 'b2', 'b6']);
    expect(await (await enrolled('l3', { tier: 'canary' })).offered()).toEqual(['b1', 'b2', 'b3', 'b6']);
  });

  it('name the artefact and carry the signature', async () => {
    const artefact = await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const response = await machine.updates();
    const body = updatesResponseSchema.parse(await response.json());
    expect(body).toEqual({
      schema: 1,
      machineId: machine.id,
      bundles: [
        {
          bundleId: 'b1',
          artefact: { path: '/v1/bundles/b1/artefact', sha256: sha256(artefact), length: artefact.length },
          signature: 'signature of b1',
          fixIds: ['b1'],
        },
      ],
    });
  });

  it('cost next to nothing while they stay the same', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const etag = (await machine.updates()).headers.get('etag') ?? '';
    const same = await machine.updates({ 'if-none-match': etag });
    expect(same.status).toBe(304);
    expect(await same.text()).toBe('');
    await under.bundle('b2', 'stable');
    expect((await machine.updates({ 'if-none-match': etag })).status).toBe(200);
  });

  it('follow the machine to another kernel', async () => {
    const other = { ...kernel, release: '6.1.0-56-amd64', buildId: 'cd'.repeat(20) };
    await under.bundle('b1', 'stable');
    await under.bundle('b2', 'stable', other);
    const machine = await enrolled();
    expect(await machine.offered()).toEqual(['b1']);
    const license = await under.license('lic-1');
    const { distro, arch, release, buildId } = other;
    await machine.renew(license, { distro, arch, release, buildId });
    expect(await machine.offered()).toEqual(['b2']);
    expect(await problemOf(await machine.artefact('b1'))).toBe('403 not-entitled');
  });

  it('are for machines that are known, each its own', async () => {
    const [machine, stranger] = [await enrolled(), new TestMachine(under)];
    expect(await problemOf(await stranger.updates())).toBe('403 not-enrolled');
    const peep = await stranger.send('GET', `/v1/machines/${machine.id}/updates`);
    expect(await problemOf(peep)).toBe('403 not-your-machine');
  });

  it('are the same after a restart: the index is folded from the log', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const before = await (await machine.updates()).json();
    await under.startFeed();
    expect(await (await machine.updates()).json()).toEqual(before);
  });

  it('leave out a bundle whose signature is lost, and not the others', async () => {
    await under.bundle('b1', 'stable');
    await under.bundle('b2', 'stable');
    under.blobs.damage(sha256(Buffer.from('signature of b1')));
    expect(await (await enrolled()).offered()).toEqual(['b2']);
  });
});

describe('a recalled bundle', () => {
  it('is marked for those who see it, and is not served any more', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    await under.recall('b1');
    expect(await machine.offered()).toEqual(['b1 recalled']);
    expect(await problemOf(await machine.artefact('b1'))).toBe('410 bundle-recalled');
  });
});

const applied = (machine: TestMachine, bundleId: string) =>
  machine.report(
    `r-${bundleId}`,
    fact('UpdateStaged', { machineId: machine.id, bundleId }),
    fact('UpdateApplied', { machineId: machine.id, bundleId, transitionMs: 3 }),
  );

describe('levels', () => {
  beforeEach(async () => {
    for (const id of ['a', 'b', 'c']) await under.bundle(id, 'stable');
    await under.level(1, 'a', 'b');
  });

  it('are offered instead of the singles in them, unless the machine asks for singles', async () => {
    const machine = await enrolled();
    expect(await machine.offered()).toEqual(['c', 'level-1']);
    expect(await machine.offered('?prefer=singles')).toEqual(['a', 'b', 'c']);
    expect((await machine.updates({}, '?prefer=none')).status).toBe(422);
    const { bundles } = updatesResponseSchema.parse(await (await machine.updates()).json());
    expect(bundles.map(({ fixIds, level }) => ({ fixIds, level }))).toEqual([
      { fixIds: ['c'], level: undefined },
      { fixIds: ['a', 'b'], level: 1 },
    ]);
  });

  it('follow what the machine reports', async () => {
    const machine = await enrolled();
    await applied(machine, 'c');
    expect(await machine.offered()).toEqual(['a', 'b', 'c']);
    await under.level(2, 'a', 'b', 'c');
    expect(await machine.offered()).toEqual(['c', 'level-2']);
    await applied(machine, 'level-2');
    const of = { machineId: machine.id };
    await machine.report('replaced', fact('UpdateReplaced', { ...of, bundleId: 'c', by: 'level-2' }));
    expect(await machine.offered()).toEqual(['level-2']);
    await machine.report('reversed', fact('UpdateReversed', { ...of, bundleId: 'level-2', transitionMs: 1 }));
    expect(await machine.offered()).toEqual(['a', 'b', 'c', 'level-2']);
  });

  it('are withdrawn with a fix that is in them, whichever came first', async () => {
    const machine = await enrolled();
    await under.recall('b');
    expect(await machine.offered()).toEqual(['a', 'b recalled', 'c', 'level-1 recalled']);
    expect(await problemOf(await machine.artefact('level-1'))).toBe('410 bundle-recalled');
    await under.level(2, 'a', 'b', 'c');
    await under.level(3, 'a', 'c');
    expect(await machine.offered()).toEqual(['b recalled', 'level-1 recalled', 'level-2 recalled', 'level-3']);
  });

  it('that are withdrawn leave their fixes alone', async () => {
    const machine = await enrolled();
    await under.recall('level-1');
    expect(await machine.offered()).toEqual(['a', 'b', 'c', 'level-1 recalled']);
  });
});

describe('a licence that has ended', () => {
  it('by revocation stops new bundles at once, and weakens nothing', async () => {
    for (const id of ['held', 'held-bad', 'bad']) await under.bundle(id, 'stable');
    const machine = await enrolled();
    for (const id of ['held', 'held-bad']) expect((await applied(machine, id)).status).toBe(200);
    await under.revoke('lic-1');
    await under.bundle('new', 'stable');
    await under.recall('held-bad');
    await under.recall('bad');
    // Nothing new; what is applied stays; every recall is still heard.
    expect(await machine.offered()).toEqual(['held', 'held-bad recalled', 'bad recalled']);
    expect((await machine.artefact('new')).status).toBe(403);
    // And the machine still says how it is.
    const reversed = fact('UpdateReversed', { machineId: machine.id, bundleId: 'held-bad', transitionMs: 2 });
    expect((await machine.report('r-last', reversed)).status).toBe(200);
  });

  it('is told at the next check-in, though the lease still runs', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const before = await machine.updates();
    expect(updatesResponseSchema.parse(await before.json()).withheld).toBeUndefined();
    await under.revoke('lic-1');
    const after = await machine.updates({ 'if-none-match': before.headers.get('etag') ?? '' });
    expect(updatesResponseSchema.parse(await after.json()).withheld).toMatchObject([{ code: 'license-revoked' }]);
  });

  it('by time stops new bundles, and weakens nothing', async () => {
    const license = await under.license('lic-1', { expiresAt: new Date(Date.now() + days(2)).toISOString() });
    for (const id of ['held', 'bad']) await under.bundle(id, 'stable');
    const machine = new TestMachine(under);
    await machine.enrol(license);
    await applied(machine, 'held');
    under.clock.offsetMs = days(3);
    await under.bundle('new', 'stable');
    await under.recall('bad');
    expect(await problemOf(await machine.renew(license))).toBe('403 lease-refused');
    expect(await machine.offered()).toEqual(['held', 'bad recalled']);
    expect(await problemOf(await machine.artefact('new'))).toBe('401 lease-expired');
    // Without any lease at all, too: the key alone says who asks.
    machine.lease = undefined;
    expect(await machine.offered()).toEqual(['held', 'bad recalled']);
    expect(await problemOf(await machine.artefact('new'))).toBe('401 lease-missing');
  });

  it('comes back at once when it is renewed', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled('lic-1', { expiresAt: new Date(Date.now() + days(2)).toISOString() });
    under.clock.offsetMs = days(3);
    expect(await machine.offered()).toEqual([]);
    const renewed = await under.license('lic-1');
    expect((await machine.renew(renewed)).status).toBe(200);
    expect(await machine.offered()).toEqual(['b1']);
  });
});

const subject = (tier: string) => `feed.debian.x86_64.6_1_0-54-amd64.${tier}`;

const heard = () => under.hints.published.map(({ subject, hint }) => `${subject} ${hint.action} ${hint.bundleId}`);

describe('hints', () => {
  it('go to each tier that sees the bundle', async () => {
    await under.bundle('b1', 'canary');
    expect(heard()).toEqual([`${subject('canary')} published b1`]);
    await under.promote('b1', 'early');
    expect(heard().slice(1)).toEqual([`${subject('canary')} published b1`, `${subject('early')} published b1`]);
    await under.recall('b1');
    expect(heard().slice(3)).toEqual([`${subject('canary')} recalled b1`, `${subject('early')} recalled b1`]);
  });

  it('come after the index knows, so that who asks at once is told', async () => {
    await under.bundle('b1');
    const machine = await enrolled('lic-1', { tier: 'canary' });
    const offered: string[] = [];
    under.hints.publish = async () => void offered.push(...(await machine.offered()));
    await under.promote('b1', 'canary');
    expect(offered).toEqual(['b1']);
  });

  it('are not sent for what nobody may have', async () => {
    await under.bundle('b1');
    await under.recall('b1');
    expect(heard()).toEqual([]);
  });
});

describe('an artefact', () => {
  it('is served whole, in ranges, and never twice', async () => {
    const bytes = await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const etag = `"${sha256(bytes)}"`;
    const whole = await machine.artefact('b1');
    expect(whole.status).toBe(200);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'content-type': 'application/gzip',
      'content-length': String(bytes.length),
    });
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    const part = await machine.artefact('b1', { range: 'bytes=10-19' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 10-19/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
    const rest = await machine.artefact('b1', { range: 'bytes=20-', 'if-range': etag });
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(20))).toBe(true);
    const changed = await machine.artefact('b1', { range: 'bytes=20-', 'if-range': '"other"' });
    expect(changed.status).toBe(200);

    const past = await machine.artefact('b1', { range: `bytes=${bytes.length}-` });
    expect(past.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
    expect(await problemOf(past)).toBe('416 bad-range');
    expect((await machine.artefact('b1', { 'if-none-match': etag })).status).toBe(304);
  });

  it('says by HEAD how large it is', async () => {
    const bytes = await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const head = await machine.artefact('b1', {}, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    expect(head.headers.get('etag')).toBe(`"${sha256(bytes)}"`);
    const stranger = new TestMachine(under);
    expect((await stranger.artefact('b1', {}, 'HEAD')).status).toBe(403);
  });

  it('is for machines that may have it', async () => {
    await under.bundle('b1', 'canary');
    await under.bundle('b2');
    const machine = await enrolled();
    expect(await problemOf(await machine.artefact('b1'))).toBe('403 not-entitled');
    expect(await problemOf(await machine.artefact('b2'))).toBe('403 not-entitled');
    expect(await problemOf(await machine.artefact('b3'))).toBe('404 not-found');
    const without = new TestMachine(under);
    expect(await problemOf(await without.artefact('b1'))).toBe('403 not-enrolled');
    await under.promote('b1', 'stable');
    expect((await machine.artefact('b1')).status).toBe(200);
    await under.revoke('lic-1');
    const revoked = await machine.artefact('b1');
    expect(await revoked.json()).toMatchObject({ code: 'not-entitled', reasons: [{ code: 'license-revoked' }] });
  });

  it('that is lost is a problem, not a broken download', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    Object.assign(under.blobs, { blobs: new Map() });
    const lost = await machine.artefact('b1');
    expect(lost.headers.get('cache-control')).toBeNull();
    expect(await problemOf(lost)).toBe('404 blob-not-found');
  });
});

const staged = (machineId: string, bundleId = 'b1') => fact('UpdateStaged', { machineId, bundleId });

describe('a report', () => {
  it('is recorded once, with the story of its bundle', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const facts = [
      fact('UpdateStaged', { machineId: machine.id, bundleId: 'b1' }),
      fact('UpdateApplied', { machineId: machine.id, bundleId: 'b1', transitionMs: 12 }),
    ];
    const first = await machine.report('r1', ...facts);
    expect(await first.json()).toEqual({ schema: 1, recorded: 2, unexpected: [] });
    const reversed = fact('UpdateReversed', { machineId: machine.id, bundleId: 'b1', transitionMs: 1 });
    await machine.report('r2', reversed);
    expect(await (await machine.report('r1', ...facts)).json()).toMatchObject({ recorded: 0 });
    const { events } = await under.events.readStream(`machine.${machine.id}`);
    expect(events.slice(2).map((event) => event.fact)).toEqual([...facts, reversed]);
    expect(events[2]?.envelope).toMatchObject({ actor: `machine:${machine.id}`, correlationId: 'story-of-bundle.b1' });
  });

  it('out of turn is recorded too, and pointed out', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const lone = fact('UpdateApplied', { machineId: machine.id, bundleId: 'b1', transitionMs: 1 });
    const answer = await machine.report('r1', lone);
    expect(await answer.json()).toEqual({ schema: 1, recorded: 1, unexpected: ['UpdateApplied of b1 after nothing'] });
  });

  it('is refused of another machine, of unknown bundles, or from nobody', async () => {
    await under.bundle('b1', 'stable');
    const machine = await enrolled();
    const [other, stranger] = [await enrolled('lic-2'), new TestMachine(under)];
    expect(await problemOf(await machine.report('r1', staged(machine.id), staged(other.id)))).toBe(
      '403 not-your-machine',
    );
    const unknown = await machine.report('r1', staged(machine.id), staged(machine.id, 'b9'));
    expect(unknown.status).toBe(422);
    expect(await unknown.json()).toMatchObject({
      code: 'unknown-bundle',
      errors: [{ pointer: '/facts/1/data/bundleId' }],
    });
    expect(await problemOf(await stranger.report('r1', staged(stranger.id)))).toBe('403 not-enrolled');
    expect((await machine.report('r1')).status).toBe(422);
    const body = { reportId: 'r1', facts: [staged(machine.id)] };
    const forged = await other.send('POST', `/v1/machines/${machine.id}/reports`, { body });
    expect(await problemOf(forged)).toBe('403 not-your-machine');
    expect(await under.factsOf(`machine.${machine.id}`)).toHaveLength(2);
  });
});
