import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beginsMessage, changelogStep, parseChangelog, subjectKeys } from '#libs/patchsplit';

/** A candidate that the changelog of a case names. */
export interface ListedMail {
  readonly id: string;
  /** The mail, with its id as a trailer of the message; one character a byte. */
  readonly mail: string;
}

/** The candidates that a case's changelog names, in its order. */
export async function listedMails(folder: string): Promise<readonly ListedMail[]> {
  const items = changelogStep(
    parseChangelog(await readFile(join(folder, 'changelog.txt'), 'utf8')),
    undefined,
    undefined,
  );
  const ranks = new Map(items.flatMap(({ subject }, rank) => subjectKeys(subject).map((key) => [key, rank] as const)));
  const mails: (ListedMail & { readonly rank: number })[] = [];
  for (const mail of (await readFile(join(folder, 'candidates.mbox'), 'latin1')).split(/^(?=From [0-9a-f]{40} )/m)) {
    if (!beginsMessage(mail.split('\n', 1)[0] ?? '')) continue;
    const [, subject = ''] = /^Subject: (?:\[PATCH[^\]]*\] ?)?(.*(?:\n[ \t].*)*)/m.exec(mail) ?? [];
    const rank = subjectKeys(subject.replace(/\n[ \t]/g, ' '))
      .map((key) => ranks.get(key))
      .find((known) => known !== undefined);
    if (rank === undefined) continue;
    const id = mail.slice(5, 45);
    mails.push({ rank, id, mail: mail.replace('\n---\n', `\nUpstream-commit: ${id}\n---\n`) });
  }
  return mails.sort((a, b) => a.rank - b.rank);
}
