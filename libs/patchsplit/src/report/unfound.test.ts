import type { StepItem } from '../changelog/changelog.js';
import { unfoundEntries } from './unfound.js';

const item = (subject: string): StepItem => ({
  subject,
  cves: [],
  version: '2-1',
  at: '2026-11-16T00:00:00.000Z',
  author: { name: 'A', email: 'a@example.org' },
});

test('each entry without a commit says why, as far as the words tell', () => {
  const items = [
    'fs: found',
    'fs: found',
    'net: undone',
    'Revert "net: undone"',
    'mm: older',
    'usb: contested',
    'usb: only near',
    'nowhere',
  ].map(item);
  const unfound = unfoundEntries(new Set(items.slice(0, 1)), {
    items,
    earlier: ['MM:  older.'],
    nearest: new Map([
      ['usb: contested', { path: 'drivers/usb/a.c', belief: 0.4 }],
      ['usb: only near', { path: 'drivers/usb/b.c', belief: 0.1 }],
    ]),
  });
  expect(unfound.map(({ entry, why }) => [entry, why])).toEqual([
    ['fs: found', 'ambiguous'],
    ['net: undone', 'overwritten'],
    ['Revert "net: undone"', 'overwritten'],
    ['mm: older', 'already-in-a'],
    ['usb: contested', 'ambiguous'],
    ['usb: only near', 'not-found'],
    ['nowhere', 'not-found'],
  ]);
  expect(unfound.find(({ entry }) => entry === 'usb: contested')?.detail).toContain('drivers/usb/a.c');
});

test('what candidates tell comes first', () => {
  const [one] = unfoundEntries(new Set(), {
    items: [item('a: b')],
    earlier: ['a: b'],
    nearest: new Map(),
    byCandidates: () => ({ why: 'overwritten', detail: 'gone' }),
  });
  expect(one).toMatchObject({ why: 'overwritten', detail: 'gone' });
});
