import type { Tier } from '#libs/contracts';
import type { Entitlement } from '#libs/licensing';
import { type FeedBundle, mayFetch, offer } from '../src/domain/offer.js';

const entitled: Entitlement = { entitled: true };
const ended: Entitlement = { entitled: false, reasons: [{ code: 'license-expired', reason: 'it ended' }] };
const kernel = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP',
} as const;
const bundle = (bundleId: string, changed: Partial<FeedBundle> = {}): FeedBundle => ({
  bundleId,
  kernel,
  artefact: 'a'.repeat(64),
  sizeBytes: 10,
  signature: 'b'.repeat(64),
  reached: 'stable',
  correlationId: 'c',
  ...changed,
});
const recalled = { reason: 'it crashes' };
const ids = (bundles: FeedBundle[], has: Entitlement, tier: Tier = 'stable', held: string[] = []) =>
  offer(bundles, { tier, held: new Set(held) }, has).map((one) => one.bundleId);

describe('an offer', () => {
  it('is what has reached the machine’s tier, in order', () => {
    const all = [bundle('s'), bundle('e', { reached: 'early' }), bundle('c', { reached: 'canary' })];
    expect(ids(all, entitled, 'stable')).toEqual(['s']);
    expect(ids(all, entitled, 'early')).toEqual(['s', 'e']);
    expect(ids(all, entitled, 'canary')).toEqual(['s', 'e', 'c']);
  });

  it('never holds what is unsigned or promoted nowhere', () => {
    const all = [bundle('unsigned', { signature: undefined }), bundle('unpromoted', { reached: undefined })];
    expect(ids(all, entitled, 'canary')).toEqual([]);
    expect(ids(all, entitled, 'canary', ['unsigned', 'unpromoted'])).toEqual(['unpromoted']);
  });

  it('hides what is new, and nothing else, when the licence has ended', () => {
    const all = [bundle('new'), bundle('held'), bundle('bad', { recalled }), bundle('held-bad', { recalled })];
    expect(ids(all, ended, 'stable', ['held', 'held-bad'])).toEqual(['held', 'bad', 'held-bad']);
    expect(ids(all, entitled, 'stable', ['held', 'held-bad'])).toEqual(['new', 'held', 'bad', 'held-bad']);
  });

  it('keeps what the machine holds when its tier is changed', () => {
    expect(ids([bundle('c', { reached: 'canary' })], entitled, 'stable', ['c'])).toEqual(['c']);
  });
});

describe('fetching', () => {
  it('is for what is out, not withdrawn, and covered', () => {
    expect(mayFetch(bundle('b'), 'stable', entitled)).toBe(true);
    expect(mayFetch(bundle('b'), 'stable', ended)).toBe(false);
    expect(mayFetch(bundle('b', { recalled }), 'stable', entitled)).toBe(false);
    expect(mayFetch(bundle('b', { reached: 'early' }), 'stable', entitled)).toBe(false);
    expect(mayFetch(bundle('b', { signature: undefined }), 'stable', entitled)).toBe(false);
    expect(mayFetch(bundle('b', { reached: undefined }), 'canary', entitled)).toBe(false);
  });
});
