import { setTimeout as wait } from 'node:timers/promises';
import { listenerNkey } from '#libs/broker';
import { days, FeedUnderTest, hours } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';

let under: FeedUnderTest;
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
});
afterEach(async () => under.stop());

const userOf = (machine: TestMachine): string => listenerNkey(machine.key.jwk.x);
const told = (): readonly string[] => Object.keys(under.access.told.at(-1) ?? {}).toSorted();

async function until(so: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !so();) {
    if (Date.now() > end) throw new Error('it did not happen');
    await wait(5);
  }
}

async function enrolled(license: string): Promise<TestMachine> {
  const machine = new TestMachine(under);
  expect((await machine.enrol(license)).status).toBe(201);
  return machine;
}

describe('a revoked licence', () => {
  it('cuts off its machines and no others, as of its own time', async () => {
    const [one, two] = [await under.license('lic-1'), await under.license('lic-2')];
    const [a, b, c] = [await enrolled(one), await enrolled(one), await enrolled(two)];
    const before = Math.floor(Date.now() / 1000);
    await under.revoke('lic-1');
    await until(() => told().length > 0);
    expect(told()).toEqual([userOf(a), userOf(b)].toSorted());
    expect(told()).not.toContain(userOf(c));
    expect(under.access.told.at(-1)?.[userOf(a)]).toBeGreaterThanOrEqual(before);
  });

  it('is told again when the feed starts, until the last lease has ended by itself', async () => {
    const machine = await enrolled(await under.license('lic-1'));
    await under.revoke('lic-1');
    await under.startFeed();
    await until(() => told().length === 1);
    expect(told()).toEqual([userOf(machine)]);
    under.clock.offsetMs = days(8);
    const times = under.access.told.length;
    await under.startFeed();
    await until(() => under.access.told.length > times);
    expect(told()).toEqual([]);
  });

  it('is told until the servers have heard it', async () => {
    const machine = await enrolled(await under.license('lic-1'));
    await until(() => under.access.told.length > 0);
    under.access.trouble = new Error('away');
    await under.revoke('lic-1');
    await wait(50);
    expect(told()).toEqual([]);
    under.access.trouble = undefined;
    await until(() => told().length > 0);
    expect(told()).toEqual([userOf(machine)]);
  });

  it('lets a machine listen again that has a new one, with a token of later', async () => {
    const machine = await enrolled(await under.license('lic-1'));
    await under.revoke('lic-1');
    await until(() => told().length === 1);
    under.clock.offsetMs = hours(1);
    const response = await machine.enrol(await under.license('lic-2'));
    const { hints } = (await response.json()) as { hints: { token: string } };
    const { iat } = JSON.parse(Buffer.from(hints.token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number };
    expect(iat).toBeGreaterThan(under.access.told.at(-1)?.[userOf(machine)] ?? Infinity);
  });
});

it('a machine’s token ends with its lease', async () => {
  const machine = new TestMachine(under);
  const response = await machine.enrol(await under.license('lic-1'));
  const answer = (await response.json()) as { expiresAt: string; hints: { token: string; subjects: string[] } };
  const claims = JSON.parse(Buffer.from(answer.hints.token.split('.')[1] ?? '', 'base64url').toString()) as object;
  expect(claims).toMatchObject({
    sub: userOf(machine),
    exp: Date.parse(answer.expiresAt) / 1000,
    nats: { sub: { allow: answer.hints.subjects }, pub: { deny: ['>'] } },
  });
});
