import fc from 'fast-check';
import { diffLines } from '../hunks/line-diff.js';
import { baseLabel, LineWeave, never } from './line-weave.js';

const line = fc.constantFrom(
  '{\n',
  '}\n',
  '\n',
  'int alpha;\n',
  'int beta;\n',
  'call(alpha);\n',
  'call(beta);\n',
  'no end',
);
const text = fc.array(line, { maxLength: 25 });

/** Makes the newest version `after`, as a commit would. */
function rewrite(weave: LineWeave, label: number, after: readonly string[]): void {
  let shift = 0;
  const before = weave.live.map((one) => one.text);
  for (const { at, removed, to, added } of diffLines(before, after)) {
    weave.replace(label, at + shift, removed, after.slice(to, to + added));
    shift += added - removed;
  }
}

describe('LineWeave', () => {
  test('every version stays readable, whatever comes after it', () => {
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 6 }), (base, versions) => {
        const weave = new LineWeave(base);
        for (const [label, version] of versions.entries()) rewrite(weave, label, version);
        expect(weave.versionAt(baseLabel)).toEqual(base);
        for (const [label, version] of versions.entries()) expect(weave.versionAt(label)).toEqual(version);
      }),
      { numRuns: 400 },
    );
  });

  test('closed to a target it ends there and begins where it began, whoever gets the lines', () => {
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 5 }), text, fc.nat(), (base, versions, target, choice) => {
        const weave = new LineWeave(base);
        for (const [label, version] of versions.entries()) rewrite(weave, label, version);
        const end = versions.length;
        const residuals = weave.close(target, end);
        expect(weave.versionAt(end)).toEqual(target);
        expect(weave.live.map((one) => one.text)).toEqual(target);
        expect(weave.versionAt(baseLabel)).toEqual(base);
        // Amending is giving residual labels away.
        for (const [place, { added }] of residuals.entries()) {
          for (const one of added) if (end > 0 && (choice >> (place % 30)) & 1) one.birth = choice % end;
        }
        expect(weave.versionAt(end)).toEqual(target);
        expect(weave.versionAt(baseLabel)).toEqual(base);
      }),
      { numRuns: 400 },
    );
  });

  test('a line that was removed and is there after all never died', () => {
    const weave = new LineWeave(['int alpha;\n', 'int beta;\n', '}\n']);
    rewrite(weave, 0, ['int alpha;\n', '}\n']);
    expect(weave.close(['int alpha;\n', 'int beta;\n', '}\n'], 1)).toEqual([]);
    expect([...weave].map(({ birth, death }) => [birth, death])).toEqual([1, 2, 3].map(() => [baseLabel, never]));
  });

  test('a brace that was removed is no reason to bring it back', () => {
    const weave = new LineWeave(['}\n', 'int beta;\n']);
    rewrite(weave, 0, ['int beta;\n']);
    const [residual] = weave.close(['}\n', 'int beta;\n'], 1);
    expect(residual?.added.map(({ text: brace, birth }) => [brace, birth])).toEqual([['}\n', 1]]);
  });
});
