import { deltaOf } from '#libs/patchsplit';
import { fit } from './fit.js';
import { scoreOf } from './score.js';
import { type Step, StepError } from './step.js';

const side = (...lines: string[]): { mode: '100644'; lines: string[] } => ({
  mode: '100644',
  lines: lines.map((line) => `${line}\n`),
});

/** Each driver is changed by the commit that names it, but for every fourth, whose commit the changelog doesn't list. */
function drivers(name: string, count: number): Step {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const subjectOf = (number: number): string => `${name}: Check the state in ${name}_probe_${number}()`;
  const files = numbers.map((number) => {
    const head = [`int ${name}_probe_${number}(void)`, '{'];
    return deltaOf(
      `drivers/${name}/part${number}.c`,
      side(...head, '\treturn 0;', '}'),
      side(...head, '\tif (!state)', '\t\treturn 1;', '\treturn 0;', '}'),
    );
  });
  const subjects = numbers.filter((number) => number % 4 !== 0).map(subjectOf);
  return { name, subjects, files, truth: numbers.map((number) => new Map([[subjectOf(number), 2]])) };
}

const short = { seed: 1, passes: 40, units: 4 };

test('three looks are learnt, by which a step that wasn’t shown is told apart', () => {
  const losses: number[][] = [[], [], []];
  const looks = fit([drivers('alpha', 100), drivers('beta', 100)], short, (look, loss) => losses[look]?.push(loss));
  expect(looks).toHaveLength(3);
  for (const of of losses) expect(of.at(-1)).toBeLessThan((of[0] ?? 0) / 2);
  // The later looks know the context, too.
  const [first = 0, second = 0, third = 0] = looks.map(({ pair }) => pair.length);
  expect(second).toBeGreaterThan(first);
  expect(third).toBe(second);
  const { lines } = scoreOf(drivers('gamma', 80), looks);
  expect(lines).toEqual({ known: 160, claimed: 120, right: 120 });
});

test('refused: a step from which nothing can be learnt', () => {
  const { truth, files } = drivers('alpha', 4);
  const mute: Step = { name: 'mute', subjects: ['unrelated'], files, truth };
  expect(() => fit([mute], short, () => undefined)).toThrow(StepError);
});
