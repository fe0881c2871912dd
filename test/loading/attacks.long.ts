import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attestationAttacks } from '../../apps/agent/src/fixture/attestation-attacks.fixture.js';
import { serving } from '../../apps/agent/src/fixture/metadata.fixture.js';
import { mirrorAttacks } from '../../apps/agent/src/fixture/mirror-attacks.fixture.js';
import { stolenKeyAttacks } from '../../apps/agent/src/fixture/stolen-key-attacks.fixture.js';
import { AttackedGuest, type RealPatches } from './attacked-guest.js';
import { fixes } from './fixes.js';
import { makePatch } from './make-patch.js';
import { type VendorKernel, vendorKernel } from './vendor-kernel.js';

const bootMs = 30 * 60_000;
const longMs = 15 * 60_000;
let kernel: VendorKernel;
let patches: RealPatches;

const unpatched = { patches: ['sc_uptime'], taken: 1, sees: ['uptime patched'] };

beforeAll(async () => {
  kernel = await vendorKernel();
  const one = await makePatch(kernel, 'sc_uptime', fixes.sc_uptime);
  patches = { one, two: await makePatch(kernel, 'sc_two', fixes.sc_two) };
}, bootMs);

/** A machine for some tests, which is booted once: under emulation that takes as long as many attacks. */
function withGuest(): () => AttackedGuest {
  let scratch: string;
  let world: AttackedGuest;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'splicecast-attacks-'));
    world = await AttackedGuest.boot(kernel, patches, join(scratch, 'share'));
    // One live patch, which the agent brought.
    expect(await world.kernel()).toEqual(unpatched);
  }, bootMs);
  afterAll(async () => {
    await world?.end();
    await rm(scratch, { recursive: true, force: true });
  });
  return () => world;
}

/** A guest lives for an hour at most: each kind of attack has one of its own. */
describe.each([
  ['in the place of the service', mirrorAttacks],
  ['with stolen keys', stolenKeyAttacks],
  ['at the attestations', attestationAttacks],
])('an attacker %s leaves the kernel as it was', (_where, attacks) => {
  const guest = withGuest();

  it.each([...attacks])(
    '$attack: $code',
    async ({ code, afterMs, begin }) => {
      const world = guest();
      await world.restore(afterMs);
      await world.begin({ begin });
      expect(await world.upgrade()).toContain(`"code":"${code}"`);
      expect(await world.kernel()).toEqual(unpatched);
    },
    longMs,
  );

  it(
    'and when he leaves, the update goes through',
    async () => {
      const world = guest();
      await world.restore();
      await world.publish('two');
      await mustBePatched(world);
    },
    longMs,
  );
});

describe('an attacker who has left', () => {
  const guest = withGuest();

  it(
    'fast-forward: rollback, until the keys are changed; then the update goes through',
    async () => {
      const world = guest();
      const { metadata, feed } = world;
      const stolen = await metadata.forge('timestamp', metadata.keys.online.timestamp, (it) => {
        it.version = 1_000_000;
      });
      feed.attack = serving(['timestamp.json', stolen]);
      await world.agent('upgrade');
      // The thief leaves, but what he made the machine remember hides whatever is new.
      await world.begin({ begin: () => () => false });
      expect(await world.upgrade()).toContain('"code":"rollback"');
      expect(await world.kernel()).toEqual(unpatched);

      await metadata.changeOnlineKeys();
      await mustBePatched(world);
      expect(await world.agent('verify')).not.toContain('WRONG');
    },
    longMs,
  );
});

async function mustBePatched(world: AttackedGuest): Promise<void> {
  expect(await world.agent('upgrade')).toContain(world.bundles.get('two'));
  expect(await world.kernel()).toEqual({
    patches: ['sc_two', 'sc_uptime'],
    taken: 2,
    sees: ['uptime patched', 'loadavg two'],
  });
  await world.live.mustBeQuiet();
}
