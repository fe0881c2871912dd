import { type Level, type LevelSituation, reasonsAgainst } from './level.js';
import { plan, type Situation } from './plan.js';
import { statesFrom } from './bundle-state.js';
import type { BundleSummary, JournalRecord, NewRecord } from './record.js';

const at = '2026-01-01T00:00:00.000Z';
const buildId = 'ab'.repeat(20);

const summary = (module: string, fixIds: readonly string[], level?: number): BundleSummary => ({
  module,
  kernel: { release: '6.1.0', buildId, version: '6.1.9-1' },
  functions: [],
  fixes: fixIds.map((fixId) => ({ fixId, subject: fixId, cves: [] })),
  ...(level === undefined ? {} : { level }),
  reversible: true,
  artefact: '0'.repeat(64),
});
const ran = (bundleId: string, fixIds: readonly string[], level?: number): NewRecord[] => [
  { type: 'Staged', bundleId, summary: summary(bundleId, fixIds, level) },
  { type: 'ApplyBegun', bundleId },
  { type: 'Applied', bundleId, transitionMs: 1 },
];
const replaced = (bundleId: string, by: string): NewRecord => ({ type: 'Replaced', bundleId, by });
const held = (bundleId: string): NewRecord => ({ type: 'Held', bundleId, by: 'operator', reason: 'no' });
const refused = (bundleId: string, code: string): NewRecord => ({
  type: 'Refused',
  bundleId,
  reasons: [{ code, reason: code }],
  attempt: 1,
});

const inBoot = (bootId: string, ...lists: (NewRecord | NewRecord[])[]): JournalRecord[] =>
  lists.flat().map((record, index) => ({ ...record, seq: index + 1, at, bootId }));

const level = (number: number, ...fixIds: string[]): Level => ({
  bundleId: `l${number}`,
  level: number,
  fixIds: new Set(fixIds),
});

const against = (one: Level, journal: JournalRecord[], more: Partial<LevelSituation> = {}) =>
  reasonsAgainst(one, { states: statesFrom(journal), bootId: 'now', buildId, withdrawn: new Set(), ...more }).map(
    ({ code }) => code,
  );

describe('a level may come in', () => {
  it('if it contains all that is applied, whatever was withdrawn', () => {
    const journal = inBoot('now', ran('a', ['a']), ran('b', ['b']));
    expect(against(level(1, 'a', 'b', 'c'), journal)).toEqual([]);
    expect(against(level(1, 'a', 'c'), journal)).toEqual(['level-lacks-fix']);
    expect(against(level(1, 'a', 'c'), journal, { withdrawn: new Set(['b']) })).toEqual([]);
    expect(against(level(1), journal)).toEqual(['level-lacks-fix', 'level-lacks-fix']);
  });

  it('if it contains what comes back after the boot, unless that comes back on top of it', () => {
    const before = inBoot('before', ran('l1', ['a'], 1), ran('b', ['b']));
    expect(against(level(2, 'a'), before)).toEqual(['level-lacks-fix']);
    expect(against(level(1, 'a'), before)).toEqual([]);
    expect(against(level(2, 'a'), before, { buildId: 'cd'.repeat(20) })).toEqual([]);
  });

  it('not if nobody knows what is in the bundles that are applied', () => {
    const [staged, ...more] = ran('a', ['a']);
    if (staged?.type !== 'Staged') throw new Error('no bundle');
    const old = { ...staged, summary: { ...staged.summary, fixes: [{ subject: 'a', cves: [] }] } };
    expect(against(level(1, 'a'), inBoot('now', old, ...more))).toEqual(['level-lacks-fix']);
  });

  it.each<[string, JournalRecord[], readonly string[], Partial<LevelSituation>?]>([
    ['a later one ran', inBoot('before', ran('l2', ['a'], 2)), ['level-rollback']],
    [
      'a later one was replaced by a still later one',
      inBoot('now', ran('l2', [], 2), replaced('l2', 'x')),
      ['level-rollback'],
    ],
    [
      'a later one is spoilt on its way',
      inBoot('now', ran('l2', [], 2), refused('l2', 'bad-signature')),
      ['level-rollback'],
    ],
    ['a later one stalled', inBoot('now', ran('l2', [], 2), refused('l2', 'transition-stalled')), ['level-rollback']],
    ['the kernel refused the later one', inBoot('now', ran('l2', [], 2), refused('l2', 'unknown-symbol')), []],
    ['the operator took the later one out', inBoot('now', ran('l2', [], 2), held('l2')), []],
    ['the later one was withdrawn', inBoot('now', ran('l2', [], 2)), [], { withdrawn: new Set(['l2']) }],
    ['the later one was another kernel’s', inBoot('now', ran('l2', [], 2)), [], { buildId: 'cd'.repeat(20) }],
  ])('only in its turn: %s', (_what, journal, codes, more = {}) => {
    expect(against(level(1, 'a'), journal, more)).toEqual(codes);
  });

  it('without bringing in what was taken out by itself', () => {
    const journal = inBoot('now', ran('a', ['a']), { type: 'Reversed', bundleId: 'a', transitionMs: 1 }, held('a'));
    expect(against(level(1, 'a', 'b'), journal)).toEqual(['level-has-held-fix']);
    expect(against(level(1, 'b'), journal)).toEqual([]);
  });
});

const offer = (bundleId: string, fixIds: readonly string[], number?: number, recalled?: string) => ({
  bundleId,
  artefact: { path: '/x', sha256: '0'.repeat(64), length: 1 },
  signature: '{}',
  fixIds: [...fixIds],
  ...(number === undefined ? {} : { level: number }),
  ...(recalled === undefined ? {} : { recalled: { reason: recalled } }),
});
const actions = (journal: JournalRecord[], offers: Situation['offers']) =>
  plan({ offers, states: statesFrom(journal), bootId: 'now', buildId, at: new Date(at) }).map(
    ({ bundleId, action }) => `${action} ${bundleId}`,
  );

describe('a plan with levels', () => {
  const offers = [
    offer('a', ['a']),
    offer('b', ['b']),
    offer('l1', ['a'], 1),
    offer('l2', ['a', 'b'], 2),
    offer('c', ['c']),
  ];

  it('applies the highest level first, nothing that is in it, and then what isn’t', () => {
    expect(actions([], offers)).toEqual(['ignore l1', 'apply l2', 'ignore a', 'ignore b', 'apply c']);
  });

  it('keeps singles until the level replaces them', () => {
    const journal = inBoot('now', ran('a', ['a']));
    expect(actions(journal, offers)).toEqual(['ignore l1', 'apply l2', 'keep a', 'ignore b', 'apply c']);
  });

  it('is singles where no level may come in', () => {
    const journal = inBoot('now', ran('c', ['c']));
    expect(actions(journal, offers)).toEqual(['ignore l1', 'ignore l2', 'apply a', 'apply b', 'keep c']);
  });

  it('is singles, or the level before, while a level waits for its next attempt', () => {
    const stalled = inBoot(
      'now',
      { type: 'Staged', bundleId: 'l2', summary: summary('l2', ['a', 'b'], 2) },
      refused('l2', 'transition-stalled'),
    );
    expect(actions(stalled, offers)).toEqual(['ignore l1', 'wait l2', 'apply a', 'apply b', 'apply c']);
    const on = [...inBoot('now', ran('l1', ['a'], 1)), ...stalled];
    expect(actions(on, offers)).toEqual(['keep l1', 'wait l2', 'ignore a', 'apply b', 'apply c']);
  });

  it('takes a recalled level back before it applies what comes instead', () => {
    const journal = inBoot('now', ran('a', ['a']), ran('l2', ['a', 'b'], 2), replaced('a', 'l2'));
    const bad = [offer('l2', ['a', 'b'], 2, 'bad'), offer('a', ['a']), offer('b', ['b'])];
    expect(actions(journal, bad)).toEqual(['reverse l2', 'apply a', 'apply b']);
    expect(actions(journal, [...bad, offer('l3', ['a'], 3)])).toEqual([
      'reverse l2',
      'apply l3',
      'ignore a',
      'apply b',
    ]);
  });

  it('goes back to what was there before a held level, and no further', () => {
    const journal = inBoot('now', ran('a', ['a']), ran('l2', ['a', 'b'], 2), replaced('a', 'l2'), held('l2'), {
      type: 'Reversed',
      bundleId: 'l2',
      transitionMs: 1,
    });
    const singles = offers.filter(({ bundleId }) => bundleId !== 'l1');
    expect(actions(journal, singles)).toEqual(['hold l2', 'apply a', 'hold b', 'apply c']);
    expect(actions(journal, [])).toEqual(['ignore l2', 'apply a']);
  });
});
