import { type Random } from '#libs/hostile';
import { happens, pickWeighted } from './chance.js';
import { kernels, ownDistro, tiers, type World } from './world.js';

/** What an operator wants done. */
export type WishKind =
  | 'customer'
  | 'license'
  | 'renewal'
  | 'extension'
  | 'amendment'
  | 'transfer'
  | 'revocation'
  | 'promotion'
  | 'recall'
  | 'level'
  | 'token'
  | 'rotation'
  | 'token-revocation'
  | 'release'
  | 'retirement';

export interface Wish {
  /** The `Idempotency-Key`; it is also the reason or name, where there is one. */
  readonly key: string;
  readonly kind: WishKind;
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The facts of which a wish that is carried out writes one. */
export const factsOf: Readonly<Record<WishKind, readonly string[]>> = {
  customer: ['CustomerRegistered'],
  license: ['TrialIssued', 'SubscriptionActivated'],
  renewal: ['LicenseRenewed'],
  extension: ['LicenseRenewed'],
  amendment: ['LicenseRenewed'],
  transfer: ['LicenseTransferred'],
  revocation: ['LicenseRevoked'],
  promotion: ['BundlePromoted'],
  recall: ['BundleRecalled'],
  level: ['LevelProposed'],
  token: ['TokenIssued'],
  rotation: ['TokenRotated'],
  'token-revocation': ['TokenRevoked'],
  release: ['MachineReleased'],
  retirement: ['MachineRetired'],
};

type Draft = Omit<Wish, 'key'> | undefined;

/** What somebody wishes for next, in a world as it is. */
export function drawWish(random: Random, world: World, key: string): Wish {
  for (;;) {
    const draw = pickWeighted<(random: Random, world: World, key: string) => Draft>(random, [
      [10, customer],
      [16, license],
      [10, renewal],
      [10, extension],
      [8, transfer],
      [5, revocation],
      [26, promotion],
      [5, recall],
      [4, level],
      [4, token],
      [3, rotation],
      [2, tokenRevocation],
      [5, amendment],
      [3, release],
      [1, retirement],
    ]);
    const draft = draw(random, world, key);
    if (draft !== undefined) return { key, ...draft };
  }
}

const post = (kind: WishKind, path: string, body: Wish['body']): Draft => ({ kind, method: 'POST', path, body });

/** A few organisations, so that customers share trials. */
function customer(random: Random, _world: World, key: string): Draft {
  const organisation = happens(random, 400) ? { organisation: `Organisation ${random.below(40)}` } : {};
  return post('customer', '/v1/customers', { name: key, ...organisation });
}

function license(random: Random, { customers }: World): Draft {
  if (customers.length === 0) return undefined;
  const customerId = random.pick(customers);
  const plan = random.pick(['trial', 'subscription', 'subscription', 'subscription', 'perpetual']);
  const distro = plan === 'perpetual' ? ownDistro : random.pick(['debian', 'debian', 'debian', ownDistro]);
  const tier = { tier: random.pick(tiers) };
  // Few seats, that machines contend for; leases that end within the run.
  const seats = happens(random, 500) ? { seats: 1 + random.below(3) } : {};
  const offline = happens(random, 300) ? { offlineMaxSec: 2 + random.below(10) } : {};
  return post('license', '/v1/licenses', { customerId, plan, distro, ...tier, ...seats, ...offline });
}

const ofLicense = (
  kind: WishKind,
  part: string,
  bodyOf: (random: Random, world: World, key: string) => Wish['body'] | undefined,
) => {
  return (random: Random, world: World, key: string): Draft => {
    const body = bodyOf(random, world, key);
    if (world.licenses.length === 0 || body === undefined) return undefined;
    return post(kind, `/v1/licenses/${random.pick(world.licenses).licenseId}/${part}`, body);
  };
};

const renewal = ofLicense('renewal', 'renewal', (random) => (happens(random, 200) ? { seats: 2 } : {}));
const extension = ofLicense('extension', 'extension', (random, _world, key) => ({
  days: 1 + random.below(3),
  reason: key,
}));
const amendment = ofLicense('amendment', 'amendment', (random, _world, key) => ({
  tier: random.pick(tiers),
  reason: key,
}));
const transfer = ofLicense('transfer', 'transfer', (random, { customers }, key) =>
  customers.length === 0 ? undefined : { customerId: random.pick(customers), reason: key },
);

const ofMachine = (kind: WishKind, part: string) => {
  return (random: Random, { machineIds }: World, key: string): Draft =>
    machineIds.length < 5 ? undefined : post(kind, `/v1/machines/${random.pick(machineIds)}/${part}`, { reason: key });
};
const release = ofMachine('release', 'release');
const retirement = ofMachine('retirement', 'retirement');

function revocation(random: Random, { licenses }: World, key: string): Draft {
  if (licenses.length < 5) return undefined;
  const path = `/v1/licenses/${random.pick(licenses).licenseId}`;
  return { kind: 'revocation', method: 'DELETE', path, body: { reason: key } };
}

/** Of what came last more often: it hasn't climbed yet. */
function promotion(random: Random, { bundles }: World): Draft {
  const some = happens(random, 700) ? bundles.slice(-8) : bundles;
  if (some.length === 0) return undefined;
  return post('promotion', `/v1/bundles/${random.pick(some).bundleId}/promote`, { tier: random.pick(tiers) });
}

function recall(random: Random, { bundles }: World, key: string): Draft {
  if (bundles.length < 5) return undefined;
  return post('recall', `/v1/bundles/${random.pick(bundles).bundleId}/recall`, { reason: key });
}

function level(random: Random): Draft {
  return post('level', '/v1/levels', { kernelId: random.pick([...kernels.keys()]), leaveOut: true });
}

function token(random: Random, _world: World, key: string): Draft {
  return post('token', '/v1/tokens', { name: key, role: random.pick(['viewer', 'operator', 'admin']) });
}

function rotation(random: Random, { tokens }: World): Draft {
  if (tokens.length === 0) return undefined;
  return post('rotation', `/v1/tokens/${random.pick(tokens).tokenId}/rotation`, { overlapSec: random.below(60) });
}

function tokenRevocation(random: Random, { tokens }: World, key: string): Draft {
  if (tokens.length < 3) return undefined;
  const path = `/v1/tokens/${random.pick(tokens).tokenId}`;
  return { kind: 'token-revocation', method: 'DELETE', path, body: { reason: key } };
}
