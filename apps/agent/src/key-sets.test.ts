import { cp, rm } from 'node:fs/promises';
import { openBundle } from '#libs/bundle';
import { type Signer, standardPolicy } from '#libs/tuf';
import { nextVersion } from './fixture/forgery.fixture.js';
import { channel } from './fixture/metadata.fixture.js';
import { FixtureWorld } from './fixture/world.fixture.js';
import { signManifest } from './self-test/signer.js';

/**
 * What a thief of any set of keys can do with them: each role's next version, in every way that is short of keys, and in every way that
 * isn't. Nothing but the signatures tells the one from the other, so what refuses the first is their number.
 */
let world: FixtureWorld;
/** The machine as it was before "two" came, to be as it was before each theft. */
let before: string;
beforeAll(async () => {
  world = await FixtureWorld.begin();
  await world.publish('two', 'g');
  before = `${world.machine.root}-before`;
  await cp(world.machine.root, before, { recursive: true });
});
afterAll(async () => {
  await world.end();
  await rm(before, { recursive: true, force: true });
});

/** The codes that the machine gave, and what its kernel runs. */
interface Came {
  readonly codes: readonly string[];
  readonly runs: readonly string[];
}

const accepted: Came = { codes: [], runs: ['one', 'two'] };
const refused = (code: string): Came => ({ codes: [code], runs: ['one'] });

/** What comes of it when the machine finds things as they are now; of the codes only this one, if it is among them. */
async function comesOfIt(code: string): Promise<Came> {
  const { machine } = world;
  for (const folder of ['state', 'sys']) {
    await rm(`${machine.root}/${folder}`, { recursive: true });
    await cp(`${before}/${folder}`, `${machine.root}/${folder}`, { recursive: true });
  }
  const codes = await world.upgrade();
  return { codes: codes.includes(code) ? [code] : codes, runs: await machine.modules() };
}

async function forging(role: string, keys: readonly Signer[]): Promise<Came> {
  world.feed.attack = await nextVersion(world, role, keys);
  try {
    return await comesOfIt('metadata-threshold-not-met');
  } finally {
    world.feed.attack = undefined;
  }
}

/** Every set of these but the empty one, by which of them it has. */
function setsOf<T>(all: readonly T[]): { readonly which: string; readonly set: readonly T[] }[] {
  return Array.from({ length: 2 ** all.length - 1 }, (_, n) => {
    const isIn = all.map((_one, bit) => (((n + 1) >> bit) & 1) === 1);
    return {
      which: isIn.flatMap((is, at) => (is ? at + 1 : [])).join(' and '),
      set: all.filter((_one, at) => isIn[at]),
    };
  });
}

const roles = ['root', 'targets', 'channel', 'release', 'recall', 'snapshot', 'timestamp'] as const;
type Role = (typeof roles)[number];

function keysOf(role: Role): readonly Signer[] {
  const { root, targets, online } = world.metadata.keys;
  return { root, targets, ...online }[role];
}

/** What a role is called in the metadata. */
function nameOf(role: Role): string {
  if (role === 'channel') return channel;
  return role === 'release' ? world.release : role;
}

describe.each(roles)('of the %s keys', (role) => {
  const { threshold } = standardPolicy[role];

  it(`every set of less than ${threshold} is refused, and every other accepted`, async () => {
    const sets = setsOf(keysOf(role));
    const found: Record<string, Came> = {};
    for (const { which, set } of sets) found[which] = await forging(nameOf(role), set);
    const expected = sets.map(({ which, set }) => [
      which,
      set.length < threshold ? refused('metadata-threshold-not-met') : accepted,
    ]);
    expect(found).toEqual(Object.fromEntries(expected));
    expect(sets.some(({ set }) => set.length >= threshold)).toBe(true);
  });

  it('one less than are needed is refused with all other roles’ beside them', async () => {
    const others = roles.filter((other) => other !== role).flatMap((other) => keysOf(other));
    const some = [...keysOf(role).slice(0, threshold - 1), ...others];
    expect(await forging(nameOf(role), some)).toEqual(refused('metadata-threshold-not-met'));
  });
});

describe('of the bundles’ keys', () => {
  it('every set of less than all is refused, and all of them accepted', async () => {
    const { feed } = world;
    const { bundleSigners, offers, artefacts } = feed;
    const two = offers.find(({ bundleId }) => bundleId === world.bundles.get('two'))!;
    const { manifestBytes } = await openBundle(artefacts.get(two.artefact.path)!);
    const signedBy = async (signers: Parameters<typeof signManifest>[1]): Promise<Came> => {
      const signature = await signManifest(manifestBytes, signers);
      feed.offers = offers.map((offer) => (offer === two ? { ...two, signature } : offer));
      return comesOfIt('threshold-not-met');
    };
    const found: Record<string, Came> = {};
    for (const { which, set } of setsOf(bundleSigners)) found[which] = await signedBy(set);
    expect(found).toEqual({
      '1': refused('threshold-not-met'),
      '2': refused('threshold-not-met'),
      '1 and 2': accepted,
    });
    expect(await signedBy([feed.leaseSigner, feed.licenseSigner])).toEqual(refused('threshold-not-met'));
    feed.offers = offers;
  });
});
