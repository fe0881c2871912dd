import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Candidate, parseMail, reportOf, type SplitReport, splitTrees } from '#libs/patchsplit';
import { GitTreeStore } from '#libs/trees';
import { Random } from '#libs/hostile';
import { SeriesHistory } from './series-history.js';

const paths = ['fs/a.c', 'fs/b.h', 'net/c.c'];
const author = { name: 'A', email: 'a@example.org', at: new Date('2026-01-01T00:00:00Z') };
const commitCount = 40;

let folder: string;
let trees: GitTreeStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-agreement-'));
  trees = new GitTreeStore(join(folder, 'trees.git'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const linesOf = (path: string): string[] =>
  Array.from({ length: 60 }, (_, at) => (at % 7 === 6 ? '}\n' : `\tcall_${at % 20}(${path.length});\n`));

async function treeOf(files: ReadonlyMap<string, readonly string[]>): Promise<string> {
  const writer = await trees.writeTree();
  for (const [path, lines] of files) await writer.add(path, '100644', Buffer.from(lines.join('')));
  return (await writer.finish()).tree;
}

/** Upstream commits that change one another's lines, and what the vendor has of them: all, and a change of its own. */
async function madeUp(): Promise<{ base: string; target: string; candidates: Candidate[] }> {
  const random = new Random(7);
  const files = new Map(paths.map((path) => [path, linesOf(path)]));
  const base = await treeOf(files);
  const commits = Array.from({ length: commitCount }, (_, at) => {
    const touched = paths.filter((_, which) => which === at % paths.length || random.below(3) === 0);
    const changes = touched.map((path) => {
      const lines = files.get(path) ?? [];
      lines.splice(random.below(lines.length), random.below(3), `\tnew_call_${at}(${path.length});\n`);
      return { path, after: { mode: '100644' as const, content: Buffer.from(lines.join('')) } };
    });
    return {
      author: { ...author, at: new Date(author.at.getTime() + at * 60_000) },
      message: `change ${at}\n`,
      changes,
    };
  });
  const made = await trees.commitSeries({ author, message: 'base\n', tree: base }, commits);
  const candidates: Candidate[] = [];
  for (const [at, { commit }] of made.slice(1).entries()) {
    const date = new Date(author.at.getTime() + at * 60_000).toUTCString();
    const head = `From ${commit} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: ${date}\nSubject: change ${at}\n`;
    candidates.push(parseMail(`${head}\n---\n${(await trees.patchOf(commit)).toString('latin1')}`));
  }
  files.get('fs/a.c')?.splice(10, 2, '\tvendor_call(1);\n');
  return { base, target: await treeOf(files), candidates };
}

/** What the build stage finds by itself, from the repository alone. */
async function foundByBuild(head: string): Promise<SplitReport['dependencies']> {
  const series = await trees.series(head);
  const history = new SeriesHistory(series);
  const found: SplitReport['dependencies'] = [];
  for (const [commit, { paths: own }] of series.commits.entries()) {
    const needs = new Map<number, string[]>();
    for (const path of own) {
      for (const other of (await history.footing(commit, path)).needed) {
        needs.set(other, [...(needs.get(other) ?? []), path]);
      }
    }
    const sorted = [...needs].sort(([a], [b]) => a - b).map(([other, of]) => ({ commit: other, paths: of.sort() }));
    if (sorted.length > 0) found.push({ commit, needs: sorted });
  }
  await series.close();
  return found;
}

test('what a split exports that its commits need is what the build stage finds in its repository', async () => {
  const { base, target, candidates } = await madeUp();
  const split = await splitTrees({ trees, base, target, candidates, root: { author, message: 'base\n' } });
  const [from, to] = [
    { version: '1', tree: base },
    { version: '2', tree: target },
  ];
  const { dependencies, head } = await reportOf({ trees, split, from, to });
  expect(split.series.commits.length).toBeGreaterThan(commitCount / 2);
  expect(dependencies.length).toBeGreaterThan(5);
  expect(dependencies).toEqual(await foundByBuild(head));
});
