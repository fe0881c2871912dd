import fc from 'fast-check';
import { compact, statesFrom } from './bundle-state.js';
import { conflictsOf } from './conflict.js';
import { plan, type Situation } from './plan.js';
import type { BundleSummary, JournalRecord, NewRecord } from './record.js';
import { recover } from './recover.js';
import { afterHintMs, nextCheckInMs } from './schedule.js';

const at = '2026-01-01T00:00:00.000Z';
const buildId = 'ab'.repeat(20);
const summary = (module: string, ...functions: [string, number][]): BundleSummary => ({
  module,
  kernel: { release: '6.1.0', buildId, version: '6.1.9-1' },
  functions: functions.map(([symbol, sympos]) => ({ object: 'vmlinux', symbol, sympos })),
  fixes: [],
  reversible: true,
  artefact: '0'.repeat(64),
});
const records = (bootId: string, ...list: NewRecord[]): JournalRecord[] =>
  list.map((record, index) => ({ ...record, seq: index + 1, at, bootId }));
const staged = (bundleId: string, what = summary(bundleId, [bundleId, 0])): NewRecord => ({
  type: 'Staged',
  bundleId,
  summary: what,
});
const begun = (bundleId: string): NewRecord => ({ type: 'ApplyBegun', bundleId });
const applied = (bundleId: string): NewRecord => ({ type: 'Applied', bundleId, transitionMs: 1 });
const refused = (bundleId: string, code: string, attempt = 1): NewRecord => ({
  type: 'Refused',
  bundleId,
  reasons: [{ code, reason: code }],
  attempt,
});

describe('a conflict', () => {
  const states = statesFrom(records('now', staged('a', summary('a', ['f', 1], ['g', 2])), begun('a'), applied('a')));

  it.each([
    [['f', 0], true],
    [['f', 1], true],
    [['f', 2], false],
    [['g', 2], true],
    [['g', 0], false],
    [['h', 0], false],
  ] as [[string, number], boolean][])('is a function of the same name and position: %s', (one, conflict) => {
    expect(conflictsOf('b', summary('b', one), states, 'now').map(({ code }) => code)).toEqual(
      conflict ? ['function-conflict'] : [],
    );
  });

  it('is none with itself, and none with what ran before the boot', () => {
    expect(conflictsOf('a', summary('a', ['f', 1]), states, 'now')).toEqual([]);
    expect(conflictsOf('b', summary('b', ['f', 1]), states, 'next')).toEqual([]);
  });
});

const offer = (bundleId: string, recalled?: string, keep?: true) => ({
  bundleId,
  artefact: { path: '/x', sha256: '0'.repeat(64), length: 1 },
  signature: '{}',
  ...(recalled === undefined ? {} : { recalled: { reason: recalled, ...(keep === undefined ? {} : { keep }) } }),
});

const actions = (journal: JournalRecord[], more: Partial<Situation> = {}) =>
  plan({ offers: [], states: statesFrom(journal), bootId: 'now', buildId, at: new Date(at), ...more }).map(
    ({ bundleId, action }) => `${action} ${bundleId}`,
  );

describe('a plan', () => {
  it('takes back before it applies, and applies in the order of the offers', () => {
    const journal = records('now', staged('c'), begun('c'), applied('c'));
    const offers = [offer('a'), offer('b'), offer('c', 'bad')];
    expect(actions(journal, { offers })).toEqual(['reverse c', 'apply a', 'apply b']);
  });

  it('keeps what was withdrawn and may be kept until the next boot, and brings it in no more', () => {
    const journal = records('now', staged('a'), begun('a'), applied('a'));
    expect(actions(journal, { offers: [offer('a', 'bad', true)] })).toEqual(['keep a']);
    expect(actions(journal, { offers: [offer('a', 'bad', true)], bootId: 'next' })).toEqual(['ignore a']);
    expect(actions([], { offers: [offer('a', 'bad', true)] })).toEqual(['ignore a']);
  });

  it('brings back after a boot what ran, offered or not, but only on the same kernel', () => {
    const journal = records('before', staged('a'), begun('a'), applied('a'));
    expect(actions(journal)).toEqual(['apply a']);
    expect(actions(journal, { buildId: 'cd'.repeat(20) })).toEqual(['ignore a']);
    expect(actions(journal, { offers: [offer('a', 'bad')] })).toEqual(['ignore a']);
    const held: NewRecord = { type: 'Held', bundleId: 'a', by: 'operator', reason: 'no' };
    expect(actions([...journal, ...records('now', held)])).toEqual(['hold a']);
  });

  it('waits longer after each attempt that may pass, and holds what won’t', () => {
    const offers = [offer('a')];
    const after = (minutes: number, attempt: number) =>
      actions(records('now', staged('a'), refused('a', 'transition-stalled', attempt)), {
        offers,
        at: new Date(Date.parse(at) + minutes * 60_000),
      })[0];
    expect([after(0, 1), after(1, 1), after(1, 2), after(2, 2), after(359, 60), after(360, 60)]).toEqual([
      'wait a',
      'apply a',
      'wait a',
      'apply a',
      'wait a',
      'apply a',
    ]);
    expect(actions(records('now', refused('a', 'unknown-symbol')), { offers })).toEqual(['hold a']);
    expect(
      actions(records('now', refused('a', 'unknown-symbol'), { type: 'Released', bundleId: 'a' }), { offers }),
    ).toEqual(['apply a']);
  });
});

const loaded = (module: string, enabled = true, inTransition = false) => [
  { module, enabled, inTransition, functions: [], patchedObjects: [] },
];

const found = (journal: JournalRecord[], patches: ReturnType<typeof loaded> = []) =>
  recover(statesFrom(journal), 'now', patches).map(({ type }) => type);

describe('recovery', () => {
  it('holds back what the machine went down with', () => {
    expect(found(records('before', staged('a'), begun('a')))).toEqual(['Refused', 'Held']);
  });

  it('asks the kernel how something ended that was begun in this boot', () => {
    const applying = records('now', staged('a'), begun('a'));
    expect(found(applying, loaded('a'))).toEqual(['Applied']);
    expect(found(applying, loaded('a', true, true))).toEqual([]);
    expect(found(applying)).toEqual(['Refused']);
    const reversing = records('now', staged('a'), begun('a'), applied('a'), { type: 'ReverseBegun', bundleId: 'a' });
    expect(found(reversing, loaded('a'))).toEqual(['Applied']);
    expect(found(reversing)).toEqual(['Reversed']);
  });

  it('changes nothing that is true', () => {
    const running = records('now', staged('a'), begun('a'), applied('a'));
    expect(found(running, loaded('a'))).toEqual([]);
    expect(found(running)).toEqual(['Reversed']);
    expect(found(records('before', staged('a'), begun('a'), applied('a')))).toEqual([]);
  });
});

const seen = (from: JournalRecord[]) =>
  new Map(
    [...statesFrom(from)].map(([id, { phase, hold, summary: what }]) => [id, { phase, hold, module: what?.module }]),
  );

describe('a compacted journal', () => {
  it('says the same', () => {
    const id = fc.constantFrom('a', 'b', 'c');
    const record = id.chain((bundleId) =>
      fc.constantFrom<NewRecord>(
        staged(bundleId),
        begun(bundleId),
        applied(bundleId),
        refused(bundleId, 'busy'),
        { type: 'ReverseBegun', bundleId },
        { type: 'Held', bundleId, by: 'operator', reason: 'no' },
        { type: 'Released', bundleId },
      ),
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (list) => {
        const journal = list.map((one, index) => ({ ...one, seq: index + 1, at, bootId: `boot-${index}` }));
        expect(seen(compact(journal, 30))).toEqual(seen(journal));
        expect(compact(journal, 30).length).toBeLessThanOrEqual(4 * 3);
      }),
    );
  });
});

describe('the schedule', () => {
  it('spreads a fleet out, backs off, and has bounds', () => {
    expect([nextCheckInMs(0, 1000, 0), nextCheckInMs(0, 1000, 1)]).toEqual([900, 1100]);
    expect(nextCheckInMs(1, 1000, 0.999)).toBeLessThan(nextCheckInMs(5, 1000, 0.999));
    expect(nextCheckInMs(1000, 1000, 1)).toBeLessThan(11 * 60_000);
    expect(nextCheckInMs(1, 1000, 0)).toBeGreaterThanOrEqual(1000);
    expect(afterHintMs(1)).toBeLessThanOrEqual(1000);
  });
});
