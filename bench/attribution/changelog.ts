import { Random } from '#libs/hostile';

/** How commits become a step. */
export interface ImportOptions {
  /** Share of them that the changelog doesn't list, 0…1: so that "none of them" is learnt too. */
  readonly unlisted: number;
  readonly seed: number;
}

/** The subjects that a step's changelog lists: each once, in order, merges never, and of the others all but a share. */
export function changelogOf(
  commits: readonly { readonly subject: string }[],
  { unlisted, seed }: ImportOptions,
): readonly string[] {
  const random = new Random('changelog', seed);
  const listed = commits.filter(({ subject }) => {
    const drawn = random.word() / 2 ** 32;
    return drawn >= unlisted && subject !== '' && !/^Merge (?:branch|commit|pull request|remote|tag)/.test(subject);
  });
  return [...new Set(listed.map(({ subject }) => subject))];
}
