import { fact } from '#libs/contracts';
import {
  decideLicense,
  evolveLicense,
  initialLicense,
  type LicenseCommand,
  type LicenseFact,
  LicensingRefusal,
  type LicensingRefusalCode,
  trialId,
} from './index.js';

const at = '2026-11-23T12:00:00.000Z';
const licenseId = trialId('acme', 'debian');
const grant = { licenseId, customerId: 'acme', distro: 'debian', ownDistro: 'splicecast', at } as const;
const trial: LicenseCommand = { type: 'IssueTrial', ...grant };
const trialIssued = fact('TrialIssued', {
  licenseId,
  customerId: 'acme',
  terms: {
    kind: 'trial',
    distros: ['debian'],
    tier: 'stable',
    seats: 10,
    notBefore: at,
    expiresAt: '2026-12-23T12:00:00.000Z',
    graceSec: 0,
  },
  rev: 1,
});
const revoked = fact('LicenseRevoked', { licenseId, reason: 'fraud' });

function given(...past: LicenseFact[]) {
  const state = past.reduce(evolveLicense, initialLicense());
  return {
    when: (command: LicenseCommand) => ({
      thenDecides: (...facts: LicenseFact[]) => expect(decideLicense(command, state)).toEqual(facts),
      thenRefused: (code: LicensingRefusalCode, field?: string) => {
        let refusal: unknown;
        try {
          decideLicense(command, state);
        } catch (error) {
          refusal = error;
        }
        expect(refusal).toBeInstanceOf(LicensingRefusal);
        expect(refusal).toMatchObject({ code, field });
      },
    }),
  };
}

describe('a trial', () => {
  it('runs 30 days on a foreign distribution', () => given().when(trial).thenDecides(trialIssued));

  it('is refused on the own distribution, which needs none', () =>
    given()
      .when({ ...trial, distro: 'splicecast' })
      .thenRefused('trial-not-needed', 'distro'));

  it('is issued once for a customer and distribution, even after it was revoked', () => {
    given(trialIssued).when(trial).thenRefused('trial-already-issued', 'distro');
    given(trialIssued, revoked).when(trial).thenRefused('trial-already-issued', 'distro');
  });

  it('decides nothing when its own command comes again, and refuses other terms under its id', () => {
    const again = { ...trial, repeated: true, at: '2026-11-23T12:00:05.000Z' };
    given(trialIssued).when(again).thenDecides();
    given(trialIssued)
      .when({ ...again, seats: 11 })
      .thenRefused('license-exists');
  });

  it('is the same stream for the same customer and distribution, and another for any other', () => {
    const ids = [licenseId, trialId('acme', 'rhel'), trialId('bmce', 'debian'), trialId('acmed', 'ebian')];
    expect(new Set(ids).size).toBe(4);
    expect(trialId('acme', 'debian')).toBe(licenseId);
  });

  it('ends when the plan says, and covers as many machines', () => {
    given()
      .when({ ...trial, expiresAt: '2036-01-01T00:00:00.000Z' })
      .thenRefused('end-not-negotiable', 'expiresAt');
    given()
      .when({ ...trial, seats: 1001 })
      .thenRefused('too-many-seats', 'seats');
  });

  it('may be on another tier', () =>
    given()
      .when({ ...trial, tier: 'canary', seats: 2 })
      .thenDecides(
        fact('TrialIssued', { ...trialIssued.data, terms: { ...trialIssued.data.terms, tier: 'canary', seats: 2 } }),
      ));
});

describe('a subscription', () => {
  const subscribe: LicenseCommand = { ...grant, type: 'ActivateSubscription', kind: 'subscription' };
  const activated = fact('SubscriptionActivated', {
    ...trialIssued.data,
    terms: {
      ...trialIssued.data.terms,
      kind: 'subscription',
      expiresAt: '2027-11-23T12:00:00.000Z',
      graceSec: 604_800,
    },
  });

  it('runs a year unless another end is agreed', () => {
    given().when(subscribe).thenDecides(activated);
    const expiresAt = '2026-11-24T00:00:00.000Z';
    given()
      .when({ ...subscribe, expiresAt })
      .thenDecides(fact('SubscriptionActivated', { ...activated.data, terms: { ...activated.data.terms, expiresAt } }));
  });

  it('ends after it begins', () =>
    given()
      .when({ ...subscribe, expiresAt: at })
      .thenRefused('ends-before-it-begins', 'expiresAt'));

  it('decides nothing when the same is asked again later, and refuses other terms under the same id', () => {
    given(activated)
      .when({ ...subscribe, at: '2026-11-25T00:00:00.000Z' })
      .thenDecides();
    given(activated)
      .when({ ...subscribe, seats: 11 })
      .thenRefused('license-exists');
    given(activated)
      .when({ ...subscribe, customerId: 'other' })
      .thenRefused('license-exists');
  });
});

describe('a perpetual licence', () => {
  const perpetual: LicenseCommand = { ...grant, type: 'ActivateSubscription', kind: 'perpetual', distro: 'splicecast' };

  it('covers the own distribution without end', () =>
    given()
      .when(perpetual)
      .thenDecides(
        fact('SubscriptionActivated', {
          licenseId,
          customerId: 'acme',
          terms: {
            kind: 'perpetual',
            distros: ['splicecast'],
            tier: 'stable',
            seats: 1_000_000,
            notBefore: at,
            graceSec: 0,
          },
          rev: 1,
        }),
      ));

  it('is refused for a foreign distribution, and with an end', () => {
    given()
      .when({ ...perpetual, distro: 'debian' })
      .thenRefused('foreign-distribution', 'distro');
    given()
      .when({ ...perpetual, expiresAt: '2036-01-01T00:00:00.000Z' })
      .thenRefused('end-not-negotiable', 'expiresAt');
  });
});

const renew = (at: string, changed: object = {}): LicenseCommand => ({
  type: 'RenewLicense',
  licenseId,
  at,
  ...changed,
});

describe('a renewal', () => {
  const subscribed = fact('SubscriptionActivated', {
    ...trialIssued.data,
    terms: {
      ...trialIssued.data.terms,
      kind: 'subscription',
      expiresAt: '2027-11-23T12:00:00.000Z',
      graceSec: 604_800,
    },
  });
  const renewedTo = (expiresAt: string, seats = 10) =>
    fact('LicenseRenewed', { licenseId, terms: { ...subscribed.data.terms, expiresAt, seats }, rev: 2 });
  it('loses nothing of what was paid: the next period begins where the last one ends', () =>
    given(subscribed).when(renew('2027-01-01T00:00:00.000Z')).thenDecides(renewedTo('2028-11-22T12:00:00.000Z')));

  it('begins now where the last period has ended', () =>
    given(subscribed).when(renew('2028-01-01T00:00:00.000Z')).thenDecides(renewedTo('2028-12-31T00:00:00.000Z')));

  it('may agree on another end and other seats', () => {
    const expiresAt = '2027-12-01T00:00:00.000Z';
    given(subscribed)
      .when(renew(at, { expiresAt, seats: 20 }))
      .thenDecides(renewedTo(expiresAt, 20));
    given(subscribed)
      .when(renew(at, { expiresAt: '2027-11-01T00:00:00.000Z' }))
      .thenRefused('ends-before-it-begins', 'expiresAt');
    given(subscribed)
      .when(renew(at, { seats: 2_000_000 }))
      .thenRefused('too-many-seats', 'seats');
  });

  it('is for subscriptions that were not revoked', () => {
    given(trialIssued).when(renew(at)).thenRefused('not-renewable');
    given(subscribed, revoked).when(renew(at)).thenRefused('license-revoked');
    given().when(renew(at)).thenRefused('license-unknown');
  });
});

describe('an extension', () => {
  const extend = (days: number): LicenseCommand => ({ type: 'ExtendLicense', licenseId, days, reason: 'we were away' });
  const extended = fact('LicenseRenewed', {
    licenseId,
    terms: { ...trialIssued.data.terms, expiresAt: '2027-01-22T12:00:00.000Z' },
    rev: 2,
    extraDays: 30,
    reason: 'we were away',
  });

  it('gives a trial more days, and keeps why', () => given(trialIssued).when(extend(30)).thenDecides(extended));

  it('gives no more than the plan allows in all', () => {
    given(trialIssued).when(extend(61)).thenRefused('too-many-days', 'days');
    given(trialIssued, extended).when(extend(31)).thenRefused('too-many-days', 'days');
  });

  it('needs an end that can be moved', () => {
    const { expiresAt: _, ...endless } = trialIssued.data.terms;
    const perpetual = fact('SubscriptionActivated', { ...trialIssued.data, terms: { ...endless, kind: 'perpetual' } });
    given(perpetual).when(extend(1)).thenRefused('not-extendable');
  });
});

const amend = (changed: { tier?: 'canary' | 'stable'; seats?: number }): LicenseCommand => ({
  type: 'AmendLicense',
  licenseId,
  ...changed,
  reason: 'grown',
});
const amended = (changed: object) =>
  fact('LicenseRenewed', { licenseId, terms: { ...trialIssued.data.terms, ...changed }, rev: 2, reason: 'grown' });

describe('an amendment', () => {
  it('moves it to another tier, and keeps its end', () =>
    given(trialIssued)
      .when(amend({ tier: 'canary' }))
      .thenDecides(amended({ tier: 'canary' })));

  it('gives it other seats, fewer too', () =>
    given(trialIssued)
      .when(amend({ seats: 1 }))
      .thenDecides(amended({ seats: 1 })));

  it('to what it is already is nothing', () =>
    given(trialIssued)
      .when(amend({ tier: 'stable', seats: 10 }))
      .thenDecides());

  it('says something, stays within the plan, and needs a licence in force', () => {
    given(trialIssued).when(amend({})).thenRefused('nothing-to-change', 'tier');
    given(trialIssued)
      .when(amend({ seats: 1001 }))
      .thenRefused('too-many-seats', 'seats');
    given(trialIssued, revoked)
      .when(amend({ seats: 2 }))
      .thenRefused('license-revoked');
  });
});

const to = (customerId: string, transferredAt = at): LicenseCommand => ({
  type: 'TransferLicense',
  licenseId,
  customerId,
  reason: 'bought',
  at: transferredAt,
});
const transferred = (from: string, customerId: string, rev: number, transferredAt = at) =>
  fact('LicenseTransferred', { licenseId, from, customerId, rev, transferredAt, reason: 'bought' });

describe('a transfer', () => {
  const subscribed = fact('SubscriptionActivated', {
    ...trialIssued.data,
    terms: { ...trialIssued.data.terms, kind: 'subscription' },
  });
  it('hands it to another customer', () =>
    given(subscribed)
      .when(to('bmce'))
      .thenDecides(transferred('acme', 'bmce', 2)));

  it('to its own customer is nothing', () => given(subscribed).when(to('acme')).thenDecides());

  it('happens so often a year, and again a year later', () => {
    const twice = [subscribed, transferred('acme', 'bmce', 2), transferred('bmce', 'cmce', 3)];
    given(...twice)
      .when(to('dmce'))
      .thenRefused('too-many-transfers', 'customerId');
    const later = '2027-11-24T12:00:00.000Z';
    given(...twice)
      .when(to('dmce', later))
      .thenDecides(transferred('cmce', 'dmce', 4, later));
  });

  it('is not for trials', () => given(trialIssued).when(to('bmce')).thenRefused('too-many-transfers', 'customerId'));
});

describe('a revocation', () => {
  const revoke: LicenseCommand = { type: 'RevokeLicense', licenseId, reason: 'fraud' };

  it('revokes once', () => {
    given(trialIssued).when(revoke).thenDecides(revoked);
    given(trialIssued, revoked).when(revoke).thenDecides();
  });

  it('needs a licence', () => given().when(revoke).thenRefused('license-unknown'));
});
