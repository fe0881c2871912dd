import { runs, whyOnMachine } from './recalled-machine.js';

const at = '2026-02-01T00:00:00.000Z';
const applied = { state: 'applied', at } as const;
const recalled = { recalledAt: '2026-02-02T00:00:00.000Z', recallReason: 'it crashes' };

it('a bundle runs where it was applied to the kernel that runs', () => {
  expect(runs(applied, { kernelSince: '2026-01-01T00:00:00.000Z' })).toBe(true);
  expect(runs(applied, { kernelSince: '2026-03-01T00:00:00.000Z' })).toBe(false);
  expect(runs({ ...applied, state: 'stalled' }, {})).toBe(true);
  expect(runs({ ...applied, state: 'reversed' }, {})).toBe(false);
});

it.each([
  ['kept', { ...recalled, recall: 'keep' }, applied, /it crashes\), and machines keep it until their next boot/],
  ['not taken back yet', { ...recalled, recall: 'reverse' }, applied, /has not said yet that it took it back/],
  [
    'held up',
    { ...recalled, recall: 'reverse' },
    { state: 'stalled', at, tasks: [{ name: 'kworker', pid: 7 }] },
    /held up by kworker \(7\)/,
  ],
  ['not recalled', {}, applied, /^it runs$/],
] as const)('a bundle that is in the kernel says why: %s', (_what, bundle, heard, why) => {
  expect(whyOnMachine(bundle, heard, true)).toMatch(why);
});

it('a bundle that isn’t in the kernel says why', () => {
  const reasons = [{ code: 'wrong-build-id', reason: 'another build' }];
  expect(whyOnMachine({}, { state: 'failed', at, reasons }, false)).toBe(
    'it was not applied: wrong-build-id: another build',
  );
  // Not "yet": of a machine without a seat it is no matter of time.
  expect(whyOnMachine({}, { state: 'staged', at }, false)).toBe('it was fetched and is not applied');
  expect(whyOnMachine(recalled, { state: 'reversed', at }, false)).toBe('it was taken back');
  expect(whyOnMachine({}, applied, false)).toMatch(/no longer runs/);
});
