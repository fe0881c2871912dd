// Fits the looks one after the other: the second is shown what the first believes, as in production.
import { believeAll, Evidence, type Weights } from '#libs/patchsplit';
import { examplesOf } from './examples.js';
import { type Step, StepError } from './step.js';
import { train, type Training } from './train.js';

/** How often each pair is looked at. */
const looks = 3;

/** @param onPass told the mean loss during each pass of each look, and after the last pass that of what comes out. @throws StepError */
export function fit(
  steps: readonly Step[],
  training: Training,
  onPass: (look: number, loss: number) => void,
): readonly Weights[] {
  const shown = steps.map((step) => {
    const evidence = new Evidence(step.files, step.subjects);
    const look = evidence.first();
    if (look.pairs.every((list) => list.length === 0))
      throw new StepError(
        `${step.name}: its subjects speak for none of its hunks, so nothing can be learnt: leave it out`,
      );
    return { step, evidence, look };
  });
  const fitted: Weights[] = [];
  for (let at = 0; at < looks; at++) {
    const previous = fitted.at(-1);
    if (previous) for (const one of shown) one.look = one.evidence.again(one.look, believeAll(one.look, previous));
    const examples = shown.map(({ look, step }) => examplesOf(look, step));
    fitted.push(train(examples, training, (loss) => onPass(at, loss)));
  }
  return fitted;
}
