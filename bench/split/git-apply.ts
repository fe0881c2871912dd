import type { Applying } from './by-git.js';

/**
 * `git apply`, a patch at a time, each a commit of its own. With `-3` it merges first and applies where it can't, the other way round
 * than `git am -3`; what leaves a conflict is taken back as a whole.
 */
export const gitApply =
  (...options: readonly string[]): Applying =>
  async (at, mails) => {
    for (const { id, mail } of mails) {
      if (at.isOver()) return;
      const patch = await at.keep('listed.patch', mail);
      const isApplied = await at.bounded('apply', '--index', '--whitespace=nowarn', ...options, patch);
      const message = `${id}\n\nUpstream-commit: ${id}`;
      // What is in the tree already leaves nothing to commit.
      if (isApplied) await at.bounded('commit', '--quiet', '--no-verify', '--message', message);
      else await at.git('reset', '--quiet', '--hard');
    }
  };
