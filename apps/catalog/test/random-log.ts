import fc from 'fast-check';
import type { Fact } from '#libs/contracts';
import { type Append, sampleLog } from './sample.js';

/** The aggregates of the sample with all that happens to each; some of them twice, under another name. */
const lives: readonly (readonly [stream: Append[0], facts: readonly Fact[]])[] = livesOf([
  ...sampleLog,
  ...['d2', 'f1', 'f2', 'b1', 'b2', 'm1', 'l1'].flatMap((id) => renamed(id, `${id}x`)),
]);

function livesOf(log: readonly Append[]): [Append[0], Fact[]][] {
  const facts = new Map<Append[0], Fact[]>();
  for (const [stream, ...some] of log) facts.set(stream, [...(facts.get(stream) ?? []), ...some]);
  return [...facts];
}

/** What happens to an aggregate of the sample, of another aggregate. */
function renamed(from: string, to: string): readonly Append[] {
  const own = sampleLog.filter(([stream]) => stream.endsWith(`.${from}`));
  return JSON.parse(
    JSON.stringify(own).replaceAll(`"${from}"`, `"${to}"`).replaceAll(`.${from}"`, `.${to}"`),
  ) as Append[];
}

/** Logs in which every aggregate lives its life in order, in commits of one to three events, in any order among each other. */
export const randomLogs: fc.Arbitrary<readonly Append[]> = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3 })), { minLength: 20, maxLength: 90 })
  .map((steps) => {
    const left = lives.map(([stream, facts]) => ({ stream, facts: [...facts] }));
    const log: Append[] = [];
    for (const [pick, size] of steps) {
      const going = left.filter(({ facts }) => facts.length > 0);
      const next = going[pick % Math.max(1, going.length)];
      if (next !== undefined) log.push([next.stream, ...next.facts.splice(0, size)]);
    }
    return log;
  });
