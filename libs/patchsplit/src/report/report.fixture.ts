import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitId } from '#libs/contracts';
import { GitTreeStore } from '#libs/trees';
import type { Candidate } from '../candidates/candidate.js';
import { parseMail } from '../candidates/parse-mail.js';
import type { StepItem } from '../changelog/changelog.js';
import { splitTrees } from '../split.js';
import { reportOf } from './report.js';
import type { SplitReport } from './schema.js';

export type Files = Readonly<Record<string, string>>;
type Edits = Readonly<Record<string, readonly [from: string, to: string]>>;

const author = { name: 'R', email: 'r@example.org', at: new Date('2026-01-01T00:00:00Z') };

export const itemOf = (subject: string, ...cves: string[]): StepItem => ({
  subject,
  cves,
  version: '2-1',
  at: '2026-11-16T00:00:00.000Z',
  author: { name: 'A', email: 'a@example.org' },
});

/** Sources, upstream commits and splits in a git repository of its own. */
export class SplitUnderTest {
  readonly folder = mkdtempSync(join(tmpdir(), 'splicecast-report-'));
  readonly trees = new GitTreeStore(join(this.folder, 'trees.git'));

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async tree(files: Files): Promise<GitId> {
    const writer = await this.trees.writeTree();
    for (const [path, text] of Object.entries(files)) await writer.add(path, '100644', Buffer.from(text));
    return (await writer.finish()).tree;
  }

  /** Upstream commits one on the other, each an edit of the files that it names. */
  async upstream(files: Files, commits: readonly (readonly [subject: string, edits: Edits])[]): Promise<Candidate[]> {
    const now: Record<string, string> = { ...files };
    const made = await this.trees.commitSeries(
      { author, message: 'base\n', tree: await this.tree(files) },
      commits.map(([subject, edits], at) => ({
        author: { ...author, at: new Date(author.at.getTime() + at * 60_000) },
        message: `${subject}\n`,
        changes: Object.entries(edits).map(([path, [from, to]]) => {
          if (!now[path]?.includes(from)) throw new Error(`${subject}: no ${from}`);
          now[path] = now[path].replace(from, to);
          return { path, after: { mode: '100644' as const, content: Buffer.from(now[path]) } };
        }),
      })),
    );
    const candidates: Candidate[] = [];
    for (const [at, { commit }] of made.slice(1).entries()) {
      const date = new Date(author.at.getTime() + at * 60_000).toUTCString();
      const head = `From ${commit} Mon Sep 17 00:00:00 2001\nFrom: R <r@example.org>\nDate: ${date}\n`;
      const patch = (await this.trees.patchOf(commit)).toString('latin1');
      candidates.push(parseMail(`${head}Subject: ${commits[at]?.[0]}\n\n---\n${patch}`));
    }
    return candidates;
  }

  async report(
    before: Files,
    after: Files,
    given: { changelog?: StepItem[]; candidates?: Candidate[]; earlier?: string[]; onto?: GitId },
    afterSplit: () => void = () => undefined,
  ): Promise<SplitReport> {
    const [base, target] = [await this.tree(before), await this.tree(after)];
    const root = { author, message: 'base\n' };
    const split = await splitTrees({ trees: this.trees, base, target, root, ...given });
    afterSplit();
    const [from, to] = [
      { version: '1', tree: base },
      { version: '2', tree: target },
    ];
    return await reportOf({ trees: this.trees, split, from, to, notices: ['a note'] });
  }
}
