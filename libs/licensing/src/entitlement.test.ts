import fc from 'fast-check';
import { type LicenseTerms, tierSchema } from '#libs/contracts';
import { effectOn, entitlement, tierReceives } from './index.js';

const terms: LicenseTerms = {
  kind: 'subscription',
  distros: ['debian', 'rhel'],
  tier: 'early',
  seats: 1,
  notBefore: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-02-01T00:00:00.000Z',
  graceSec: 3600,
};
const codes = (revoked: boolean, distro: string, at: string, tier?: 'canary' | 'early' | 'stable') => {
  const answer = entitlement(terms, revoked, { distro, tier }, new Date(at));
  return answer.entitled ? [] : answer.reasons.map(({ code }) => code);
};

describe('entitlement', () => {
  it.each([
    ['2025-12-31T23:59:59.999Z', ['license-not-yet-valid']],
    ['2026-01-01T00:00:00.000Z', []],
    ['2026-02-01T00:59:59.999Z', []],
    ['2026-02-01T01:00:00.000Z', ['license-expired']],
  ])('at %s: %p', (at, expected) => expect(codes(false, 'rhel', at)).toEqual(expected));

  it('covers the distributions that it names', () =>
    expect(codes(false, 'suse', '2026-01-02T00:00:00.000Z')).toEqual(['distro-not-covered']));

  it.each([
    ['canary', ['tier-not-covered']],
    ['early', []],
    ['stable', []],
  ] as const)('covers what has reached its tier or climbed past it: %s', (tier, expected) =>
    expect(codes(false, 'debian', '2026-01-02T00:00:00.000Z', tier)).toEqual(expected),
  );

  it('gives every reason at once', () =>
    expect(codes(true, 'suse', '2027-01-01T00:00:00.000Z', 'canary')).toEqual([
      'license-revoked',
      'license-expired',
      'distro-not-covered',
      'tier-not-covered',
    ]));

  it('has no end where the terms have none', () => {
    const { expiresAt: _, ...endless } = terms;
    expect(entitlement(endless, false, { distro: 'debian' }, new Date('9999-01-01'))).toEqual({ entitled: true });
  });
});

describe('tiers', () => {
  it('canary sees all that early sees, and early all that stable sees', () => {
    const seen = tierSchema.options.map((own) => tierSchema.options.filter((reached) => tierReceives(own, reached)));
    expect(seen).toEqual([['canary', 'early', 'stable'], ['early', 'stable'], ['stable']]);
  });
});

describe('a licence that ends', () => {
  const times = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });
  const anyTerms = fc
    .record({ start: times, days: fc.option(fc.nat(700)), graceSec: fc.nat(1_000_000) })
    .map(({ start, days, graceSec }): LicenseTerms => ({
      kind: 'subscription',
      distros: ['debian'],
      tier: 'stable',
      seats: 1,
      notBefore: start.toISOString(),
      ...(days === null ? {} : { expiresAt: new Date(start.getTime() + days * 86_400_000).toISOString() }),
      graceSec,
    }));
  const question = fc.record({ revoked: fc.boolean(), at: times, distro: fc.constantFrom('debian', 'rhel') });
  const bundle = fc.record({ applied: fc.boolean(), recalled: fc.boolean() });

  it('never takes anything away: only a recall reverses, and what is applied stays', () =>
    fc.assert(
      fc.property(anyTerms, question, bundle, (terms, { revoked, at, distro }, bundle) => {
        const effect = effectOn(bundle, entitlement(terms, revoked, { distro }, at));
        expect(effect === 'reverse').toBe(bundle.applied && bundle.recalled);
        expect(effect === 'keep').toBe(bundle.applied && !bundle.recalled);
      }),
    ));

  it('changes nothing but whether new bundles come', () =>
    fc.assert(
      fc.property(anyTerms, question, question, bundle, (terms, before, after, bundle) => {
        const [was, is] = [before, after].map(({ revoked, at, distro }) =>
          effectOn(bundle, entitlement(terms, revoked, { distro }, at)),
        );
        expect(was === is || (was === 'apply' && is === 'withhold') || (was === 'withhold' && is === 'apply')).toBe(
          true,
        );
      }),
    ));

  it('does not come back with time once it has ended, and never begins while it is revoked', () =>
    fc.assert(
      fc.property(anyTerms, times, times, (terms, one, two) => {
        const [earlier, later] = one <= two ? [one, two] : [two, one];
        const then = entitlement(terms, false, { distro: 'debian' }, earlier);
        const now = entitlement(terms, false, { distro: 'debian' }, later);
        const ended = !then.entitled && then.reasons.some(({ code }) => code === 'license-expired');
        expect(ended && now.entitled).toBe(false);
        expect(entitlement(terms, true, { distro: 'debian' }, later).entitled).toBe(false);
      }),
    ));
});
