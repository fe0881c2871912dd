import { type Fact, fact } from '#libs/contracts';
import type { EventStore, StreamName } from '#libs/eventstore';

/** Every so many machines are a customer's. */
const machinesPerCustomer = 50;
/** Streams that are written at once. */
const lanes = 64;

const kernel = { distro: 'debian', arch: 'x86_64' as const, release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) };
const terms = {
  kind: 'subscription' as const,
  distros: ['debian'],
  tier: 'stable' as const,
  seats: machinesPerCustomer,
  notBefore: '2026-11-23T12:00:00.000Z',
  expiresAt: '2027-11-23T12:00:00.000Z',
  graceSec: 0,
};

/** An aggregate's stream, with its commits in order. */
interface Life {
  readonly stream: StreamName;
  readonly commits: readonly (readonly Fact[])[];
}

/** A machine that was enrolled, has leases, and got two fixes, one of which was taken back: nine events in eight commits. */
function machineLife(n: number): Life {
  const machineId = `bench-m${n}`;
  const licenseId = `bench-l${Math.floor(n / machinesPerCustomer)}`;
  const customerId = `bench-c${Math.floor(n / machinesPerCustomer)}`;
  const lease = (day: number): Fact =>
    fact('LeaseGranted', {
      machineId,
      licenseId,
      kernel,
      leaseId: `bench-x${n}-${day}`,
      tier: 'stable',
      expiresAt: `2026-12-${10 + day}T00:00:00.000Z`,
    });
  const of = (bundle: number) => ({ machineId, bundleId: `bench-b${(n + bundle) % 40}` });
  const enrolled = fact('MachineEnrolled', {
    machineId,
    licenseId,
    customerId,
    hostname: `host-${n}.example.org`,
    keyThumbprint: 'k'.repeat(43),
    kernel,
  });
  return {
    stream: `machine.${machineId}`,
    commits: [
      [enrolled],
      [lease(1)],
      [fact('UpdateStaged', of(1))],
      [fact('UpdateApplied', { ...of(1), transitionMs: 40 })],
      [lease(2)],
      [fact('UpdateStaged', of(2)), fact('UpdateApplied', { ...of(2), transitionMs: 55 })],
      [fact('UpdateReversed', { ...of(1), transitionMs: 30 })],
      [lease(3)],
    ],
  };
}

function customerLives(n: number): readonly Life[] {
  const customerId = `bench-c${n}`;
  const licenseId = `bench-l${n}`;
  return [
    {
      stream: `customer.${customerId}`,
      commits: [[fact('CustomerRegistered', { customerId, name: `Customer ${n}` })]],
    },
    {
      stream: `license.${licenseId}`,
      commits: [[fact('SubscriptionActivated', { licenseId, customerId, terms, rev: 1 })]],
    },
  ];
}

function* livesOf(machines: number): Generator<Life> {
  for (let n = 0; n < machines; n += 1) {
    if (n % machinesPerCustomer === 0) yield* customerLives(n / machinesPerCustomer);
    yield machineLife(n);
  }
}

/** Appends what machines, their customers and licences go through, as it comes: many aggregates in between each other. Gives the number of events. */
export async function appendEstate(store: EventStore, machines: number): Promise<number> {
  const lives = livesOf(machines);
  let events = 0;
  const lane = async (): Promise<void> => {
    for (const { stream, commits } of lives) {
      let revision = 0;
      for (const [index, facts] of commits.entries()) {
        const context = { actor: 'bench', commandId: `c${index}`, correlationId: stream };
        ({ revision } = await store.appendToStream(stream, revision, facts, context));
        events += facts.length;
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return events;
}
