import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Applying } from './by-git.js';

/** `git am`: where a mail doesn't apply it is skipped, and it goes on with the next. */
export const gitAm =
  (...options: readonly string[]): Applying =>
  async (at, mails) => {
    const mbox = await at.keep('listed.mbox', mails.map(({ mail }) => mail).join(''));
    const isUnderWay = (): Promise<boolean> =>
      stat(join(at.folder, '.git/rebase-apply')).then(
        () => true,
        () => false,
      );
    let isThrough = await at.bounded('am', '--quiet', ...options, mbox);
    while (!isThrough && (await isUnderWay()) && !at.isOver()) isThrough = await at.bounded('am', '--quiet', '--skip');
  };
