import fc from 'fast-check';
import type { NewCommit } from '#libs/trees';
import { type Files, refusalOf, StoreUnderTest } from './under-test.js';

let under: StoreUnderTest;
beforeEach(() => (under = new StoreUnderTest()));
afterEach(() => under.remove());

const author = { name: 'Käthe <K>', email: 'k@example.org', at: new Date('2026-11-16T10:17:40Z') };
const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');
const before = lines('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight');
const patchTo = (text: string): Buffer => Buffer.from(text);

describe('a series', () => {
  it('is the same commits for the same input, each with its message, author and tree', async () => {
    const tree = await under.write({ 'a.c': before });
    const commits: NewCommit[] = [
      {
        author,
        message: 'first\n\nCVE: CVE-2026-1\n',
        changes: [{ path: 'a.c', after: { mode: '100644', content: Buffer.from('x\n') } }],
      },
      {
        author,
        message: 'second\n',
        changes: [{ path: 'a.c' }, { path: 'b/c', after: { mode: '100755', content: Buffer.from('y') } }],
      },
    ];
    const first = await under.store.commitSeries({ author, message: 'root\n', tree }, commits);
    const again = await under.store.commitSeries({ author, message: 'root\n', tree }, commits);
    expect(again).toEqual(first);
    expect(first.map((one) => one.tree)).toEqual([
      tree,
      await under.write({ 'a.c': 'x\n' }),
      await under.write({ 'b/c': { mode: '100755', content: 'y' } }),
    ]);
    await under.store.setRef('refs/heads/main', first[2]?.commit ?? '');
    expect(under.git('log', '-1', '--format=%an|%ae|%aI|%cn|%B', 'main~1')).toBe(
      `${Buffer.from('Käthe  K').toString('latin1')}|k@example.org|2026-11-16T10:17:40+00:00|Splicecast|first\n\nCVE: CVE-2026-1`,
    );
    expect(under.git('rev-list', '--count', 'main')).toBe('3');
  });

  it('is refused on a tree that is not there, and leaves nothing when a commit is impossible', async () => {
    const nowhere = 'f'.repeat(40);
    expect((await refusalOf(under.store.commitSeries({ author, message: 'x', tree: nowhere }, []))).code).toBe(
      'tree-not-found',
    );
    const tree = await under.write({ a: 'x' });
    const bad = {
      author,
      message: 'x',
      changes: [{ path: 'b', after: { mode: '100644' as const, content: nowhere } }],
    };
    expect((await refusalOf(under.store.commitSeries({ author, message: 'x', tree }, [bad]))).code).toBe(
      'tree-store-failed',
    );
    expect(under.git('count-objects', '-v')).toContain('size-garbage: 0');
  });
});

describe('a patch', () => {
  it('of a commit rebuilds its tree: text, binary, modes, names, links, deletions', async () => {
    const a: Files = {
      'a.c': before,
      bin: Buffer.from([0, 1, 2, 255]),
      gone: 'x\n',
      'l\u00e4.c': 'u\u00e9\n',
      'x.sh': 'x',
    };
    const b: Files = {
      'a.c': before.replace('five', 'FIVE'),
      bin: Buffer.from([0, 9, 9, 255, 3]),
      'l\u00e4.c': Buffer.from([0xff, 0xfe, 10]),
      'x.sh': { mode: '100755', content: 'x' },
      'new/link': { mode: '120000', content: '../a.c' },
    };
    const [treeA, treeB] = [await under.write(a), await under.write(b)];
    const series = await seriesBetween(treeA, treeB);
    const patch = await under.store.patchOf(series.at(-1)?.commit ?? '');
    expect(patch.toString('latin1')).toContain('GIT binary patch');
    expect(await under.store.applyPatch(treeA, patch)).toBe(treeB);
  });

  it('applies where its lines have moved to', async () => {
    const tree = await under.write({ 'a.c': lines('zero', 'zero') + before });
    const next = await under.store.applyPatch(
      tree,
      patchTo('--- a/a.c\n+++ b/a.c\n@@ -3,5 +3,5 @@\n three\n four\n-five\n+FIVE\n six\n seven\n'),
    );
    expect((await under.store.readFile(next, 'a.c'))?.toString()).toBe(
      lines('zero', 'zero') + before.replace('five', 'FIVE'),
    );
  });

  const hunk = '@@ -1,2 +1,2 @@\n one\n-TWO\n+2\n';
  it.each([
    ['differs', `--- a/a.c\n+++ b/a.c\n${hunk}`, ['a.c']],
    ['is for files that are not there', `--- a/b.c\n+++ b/b.c\n${hunk}--- a/c.c\n+++ b/c.c\n${hunk}`, ['b.c', 'c.c']],
    [
      'makes a file that is there',
      'diff --git a/a.c b/a.c\nnew file mode 100644\n--- /dev/null\n+++ b/a.c\n@@ -0,0 +1 @@\n+x\n',
      ['a.c'],
    ],
    ['climbs', '--- /dev/null\n+++ b/../../x.c\n@@ -0,0 +1 @@\n+x\n', undefined],
    ['writes into .git', '--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n', undefined],
    ['is cut short', '--- a/a.c\n+++ b/a.c\n@@ -1,8 +1,8 @@\n one\n', undefined],
    ['is no patch', 'hello\n', undefined],
    ['is empty', '', undefined],
  ])('that %s does not apply', async (_what, patch, paths) => {
    const tree = await under.write({ 'a.c': before });
    const refusal = await refusalOf(under.store.applyPatch(tree, patchTo(patch)));
    expect(refusal.code).toBe('patch-does-not-apply');
    if (paths) expect(refusal.paths).toEqual(paths);
  });
});

/** A commit with everything that differs. */
async function seriesBetween(treeA: string, treeB: string) {
  const changes = await under.store.diff(treeA, treeB);
  const commit = {
    author,
    message: 'all\n',
    changes: changes.map(({ path, after }) => ({ path, after: after && { ...after, content: after.blob } })),
  };
  return under.store.commitSeries({ author, message: 'root\n', tree: treeA }, [commit]);
}

describe('for any two trees', () => {
  const name = fc.constantFrom('a', 'b', 'c.c', 'sp ace', 'q"', '\u00e9');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const content = fc.oneof(
    fc.array(fc.constantFrom('x', 'y', ''), { maxLength: 6 }).map((all) => all.join('\n')),
    fc.uint8Array({ maxLength: 20 }),
  );
  const mode = fc.constantFrom('100644' as const, '100755' as const);
  const tree = fc
    .dictionary(path, fc.record({ mode, content: content.map((bytes) => Buffer.from(bytes as string)) }), {
      maxKeys: 8,
    })
    .map(withoutClashes);

  it('the changes between them, one commit each in any order that git can hold, end in the second', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (a, b) => {
        const [treeA, treeB] = [await under.write(a), await under.write(b)];
        const changes = await under.store.diff(treeA, treeB);
        // What vanishes goes first: a folder may take a file's place.
        const order = changes.toSorted((x, y) => Number(x.after !== undefined) - Number(y.after !== undefined));
        const commits = order.map(({ path: at, after }) => ({
          author,
          message: `${at}\n`,
          changes: [{ path: at, after: after && { mode: after.mode, content: after.blob } }],
        }));
        const series = await under.store.commitSeries({ author, message: 'root\n', tree: treeA }, commits);
        expect(series.at(-1)?.tree).toBe(treeB);
        if (changes.length === 0) expect(treeA).toBe(treeB);
      }),
      { numRuns: 15 },
    );
  });
});

/** A file can't be where another one needs a folder. */
function withoutClashes<T>(files: Record<string, T>): Record<string, T> {
  const paths = Object.keys(files).sort();
  return Object.fromEntries(
    paths.filter((one) => !paths.some((other) => other.startsWith(`${one}/`))).map((one) => [one, files[one] as T]),
  );
}
