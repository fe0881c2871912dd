import { deltaOf } from '#libs/patchsplit';
import { companionsOf } from './companions.js';
import { companionsFile } from './companions-file.js';
import type { Step } from './step.js';

const side = (...lines: string[]): { mode: '100644'; lines: string[] } => ({
  mode: '100644',
  lines: lines.map((line) => `${line}\n`),
});

/** Three commits a subsystem: one says `leak` and brings a call of kfree, one says `typo` and changes a comment, and one a register. */
function subsystems(count: number): Step {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const leaks = numbers.map((number) =>
    deltaOf(`net/part${number}.c`, side('{', '}'), side('{', `\tkfree(x${number});`, '}')),
  );
  const typos = numbers.map((number) =>
    deltaOf(`fs/part${number}.c`, side('{', '\t/* teh */', '}'), side('{', '\t/* the */', '}')),
  );
  const registers = numbers.map((number) =>
    deltaOf(`mm/part${number}.c`, side('{', '\tx = 4;', '}'), side('{', '\tx = 5;', '}')),
  );
  const subjects = [
    ...numbers.map((number) => `part${number}: Plug a leak`),
    ...numbers.map((number) => `part${number}: Mend a typo`),
    ...numbers.map((number) => `part${number}: Set the speed`),
  ];
  return {
    name: 'made',
    subjects,
    files: [...leaks, ...typos, ...registers],
    truth: subjects.map((subject) => new Map([[subject, 1]])),
  };
}

test('what comes with a word in several subsystems is learnt, and by how much', () => {
  const table = companionsOf([subsystems(20)]);
  // A third of all commits has a call of kfree, and of those that say `leak` all: thrice as many, less what isn't seen yet.
  expect(table.get('leak')?.get('kfree')).toBeCloseTo(Math.log((20 + 8 / 3) / (20 + 8) / (1 / 3)), 2);
  expect([...(table.get('typo')?.keys() ?? [])]).toContain('*comment');
  expect(table.get('leak')?.has('*comment')).toBe(false);
  expect(companionsFile(table)).toContain('"kfree": 0.89');
});

test('what one subsystem has is its own affair', () => {
  expect([...companionsOf([subsystems(4)]).keys()]).toEqual([]);
});
