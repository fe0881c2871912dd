import type { Tier, UpdatePreference } from '#libs/contracts';
import type { Entitlement } from '#libs/licensing';
import type { OnMachine } from '../src/domain/machine.js';
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
  fixIds: [bundleId],
  artefact: 'a'.repeat(64),
  sizeBytes: 10,
  signature: 'b'.repeat(64),
  reached: 'stable',
  correlationId: 'c',
  ...changed,
});
const standing = (how: OnMachine, ids: readonly string[]) => new Map(ids.map((id) => [id, how]));
const recalled = { reason: 'it crashes' };
const ids = (bundles: FeedBundle[], has: Entitlement, tier: Tier = 'stable', held: string[] = []) =>
  offer(bundles, { tier, updates: standing('held', held), prefers: 'levels' }, has).map((one) => one.bundleId);

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

const level = (number: number, ...fixIds: string[]): FeedBundle => bundle(`level-${number}`, { level: number, fixIds });
interface Told {
  readonly held?: string[];
  readonly failed?: string[];
  readonly takenBack?: string[];
  readonly prefers?: UpdatePreference;
}
const told = (
  bundles: FeedBundle[],
  { held = [], failed = [], takenBack = [], prefers = 'levels' }: Told = {},
  has: Entitlement = entitled,
) => {
  const updates = new Map([
    ...standing('held', held),
    ...standing('failed', failed),
    ...standing('taken-back', takenBack),
  ]);
  return offer(bundles, { tier: 'stable', updates, prefers }, has).map(({ bundleId }) => bundleId);
};

describe('an offer of levels', () => {
  const all = [bundle('a'), bundle('b'), level(1, 'a'), level(2, 'a', 'b'), bundle('c')];

  it('is the highest one instead of the singles in it, with those that came after', () => {
    expect(told(all)).toEqual(['level-2', 'c']);
  });

  it('is singles alone for a machine that wants no levels', () => {
    expect(told(all, { prefers: 'singles' })).toEqual(['a', 'b', 'c']);
    expect(told(all, { prefers: 'singles', held: ['level-1'] })).toEqual(['b', 'level-1', 'c']);
  });

  it('keeps what is held until it is replaced', () => {
    expect(told(all, { held: ['a'] })).toEqual(['a', 'level-2', 'c']);
    expect(told(all, { held: ['level-1'] })).toEqual(['level-1', 'level-2', 'c']);
    expect(told(all, { held: ['level-2'] })).toEqual(['level-2', 'c']);
  });

  it('is never one that lacks a fix which the machine holds', () => {
    expect(told(all, { held: ['c'] })).toEqual(['a', 'b', 'c']);
    expect(told([...all, level(3, 'a', 'c')], { held: ['b'] })).toEqual(['b', 'level-2', 'c']);
    expect(told([...all, level(3, 'a', 'c')], { held: ['level-2'] })).toEqual(['level-2', 'c']);
    // On top of a level: what is in the level isn't offered anew.
    expect(told(all, { held: ['level-2', 'c'] })).toEqual(['level-2', 'c']);
    expect(told([...all, level(3, 'a', 'b', 'c')], { held: ['level-2', 'c'] })).toEqual(['level-2', 'c', 'level-3']);
  });

  it('does not count what was withdrawn among what the machine has', () => {
    const bad = { ...level(2, 'a', 'b'), recalled };
    expect(told([bundle('a'), level(1, 'a'), bad, level(3, 'a')], { held: ['level-2'] })).toEqual([
      'level-2',
      'level-3',
    ]);
    expect(told([bundle('a'), level(1, 'a'), bad], { held: ['level-2'] })).toEqual(['level-1', 'level-2']);
  });

  it('is level and singles where the level came to grief', () => {
    expect(told(all, { failed: ['level-2'] })).toEqual(['a', 'b', 'level-2', 'c']);
    expect(told(all, { held: ['level-1'], takenBack: ['level-2'] })).toEqual(['b', 'level-1', 'level-2', 'c']);
  });

  it('is none with a fix that was taken out by itself, but one with a fix that could not come in by itself', () => {
    expect(told(all, { takenBack: ['b'] })).toEqual(['b', 'level-1', 'c']);
    expect(told(all, { failed: ['b'] })).toEqual(['level-2', 'c']);
  });

  it('is nothing new when the licence has ended, and takes nothing away', () => {
    expect(told(all, {}, ended)).toEqual([]);
    expect(told(all, { held: ['level-1', 'c'] }, ended)).toEqual(['level-1', 'c']);
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
