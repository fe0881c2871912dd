import type { Candidate } from '../candidates/candidate.js';
import type { Choice } from '../select/choose.js';
import type { Twins } from '../select/twins.js';
import type { Round } from './round.js';

type Places = Round['applied'][number]['places'];

/**
 * Of candidates that are one patch, the one whose hunks stood in the replay where their own numbers say. A fix that was picked to a
 * release branch has the numbers of that branch's files there, and its twin those of the main branch's; what was committed in between
 * made them differ. Where that doesn't tell either, the one that was chosen stays. Gives the same choices if none is to be exchanged.
 * @param tried what was chosen at some time: twins that were both named are not exchanged, for the first one brings the lines.
 */
export function truerTwins(
  choices: readonly Choice[],
  { applied }: Round,
  twins: Twins,
  tried: ReadonlySet<Candidate>,
): readonly Choice[] {
  const taken = new Set(tried);
  const truer = choices.map((choice, label) => {
    const others = twins.of(choice.candidate).filter((twin) => !taken.has(twin));
    const candidate = truest(choice.candidate, others, applied[label]?.places ?? []);
    if (candidate === choice.candidate) return choice;
    taken.add(candidate);
    return { ...choice, candidate };
  });
  return truer.every((choice, label) => choice === choices[label]) ? choices : truer;
}

function truest(chosen: Candidate, others: readonly Candidate[], places: Places): Candidate {
  let best = chosen;
  let least = misfitOf(chosen, places);
  for (const twin of others) {
    const misfit = misfitOf(twin, places);
    if (misfit.hunks > least.hunks || (misfit.hunks === least.hunks && misfit.lines >= least.lines)) continue;
    [best, least] = [twin, misfit];
  }
  return best;
}

/** How many hunks stood elsewhere than the candidate has them, and how far away in all; those without a place say nothing. */
function misfitOf({ files }: Candidate, places: Places): { readonly hunks: number; readonly lines: number } {
  let hunks = 0;
  let lines = 0;
  const starts = files.flatMap((patch) => patch.hunks.map(({ oldStart }) => oldStart - 1));
  for (const [at, start] of starts.entries()) {
    const away = Math.abs((places[at] ?? start) - start);
    if (away > 0) hunks += 1;
    lines += away;
  }
  return { hunks, lines };
}
