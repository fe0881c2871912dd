import { type EventData, type Fact, fact, type GitId } from '#libs/contracts';
import { Redpatch } from '../src/domain/redpatch.js';

const product = 'debian-linux';
const id = (name: string): GitId => Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 40);

function drop(dropId: string, version: string, base?: string, of = product): Fact[] {
  const received = { dropId, product: of, fileName: 'x', archive: 'ab'.repeat(32), sizeBytes: 1 };
  const unpacked = { dropId, format: 'tar' as const, version, tree: id(dropId), files: 1, bytes: 1, durationMs: 1 };
  return [
    fact('SourceDropReceived', base === undefined ? received : { ...received, base }),
    fact('SourceDropUnpacked', unpacked),
  ];
}

/** A step as diff splits it: each commit is named after its drop, and the first line begins with a root. */
function split(dropId: string, base: string, onto: string | undefined): Fact<'DropSplit'> {
  const data: EventData<'DropSplit'> = {
    dropId,
    base,
    series: 'ab'.repeat(32),
    head: id(`${dropId}-head`),
    commits: 1,
    attributed: 1,
    remainders: 0,
    files: 1,
    insertions: 1,
    deletions: 1,
    proof: { baseTree: id(base), targetTree: id(dropId), replayedTree: id(dropId) },
    durationMs: 0,
  };
  return fact('DropSplit', onto === undefined ? data : { ...data, onto: id(onto) });
}

function publish(...facts: readonly Fact[]) {
  const redpatch = new Redpatch();
  const changed = facts.map((one) => redpatch.apply(one)).filter((one) => one !== undefined);
  return { redpatch, changed };
}

const named = (refs: ReadonlyMap<string, GitId>) =>
  Object.fromEntries(
    [...refs].map(([name, commit]) => [name, Buffer.from(commit, 'hex').toString().replace(/\0+$/, '')]),
  );

/** What a repository shows, in words. */
function shown({ redpatch }: { redpatch: Redpatch }, of = product) {
  const repository = redpatch.repository(of);
  if (repository === undefined) return undefined;
  const { head, branches, tags } = repository;
  return { head, branches: named(branches), tags: named(tags) };
}

const begun = [...drop('a', '6.1.190-1'), ...drop('b', '6.1.192-2', 'a'), split('b', 'a', 'a-root')];

describe('a public repository', () => {
  it('is there with the first step: a branch for the kernel series, a tag for each of its two drops', () => {
    const published = publish(...begun);
    expect(published.changed).toEqual([product]);
    expect(shown(published)).toEqual({
      head: '6.1',
      branches: { '6.1': 'b-head' },
      tags: { '6.1.190-1': 'a-root', '6.1.192-2': 'b-head' },
    });
    expect(published.redpatch.drop('a')).toMatchObject({ branch: '6.1', tag: '6.1.190-1', commit: id('a-root') });
  });

  it('grows by each step on its last commit, and by none twice', () => {
    const next = [...drop('c', '6.1.193-1', 'b'), split('c', 'b', 'b-head')];
    const published = publish(...begun, ...next, ...next);
    expect(published.changed).toEqual([product, product]);
    expect(shown(published)).toMatchObject({ branches: { '6.1': 'c-head' }, tags: { '6.1.193-1': 'c-head' } });
  });

  it('has a branch for each kernel series; the newest by number is what a clone checks out', () => {
    const next = [
      ...drop('c', '6.12.1-1', 'b'),
      split('c', 'b', 'b-head'),
      ...drop('d', '6.9.1-1'),
      ...drop('e', '6.9.2-1', 'd'),
      split('e', 'd', 'd-root'),
      ...drop('f', '6.1.194-1', 'b'),
      split('f', 'b', 'b-head'),
    ];
    expect(shown(publish(...begun, ...next))).toMatchObject({
      head: '6.12',
      branches: { '6.1': 'f-head', '6.12': 'c-head', '6.9': 'e-head' },
    });
  });

  it('keeps a second drop after the same one on a branch of its own, which grows like the first', () => {
    const forked = publish(
      ...begun,
      ...drop('c', '6.1.193-1', 'b'),
      split('c', 'b', 'b-head'),
      ...drop('d', '6.1.193~rc1-1', 'b'),
      split('d', 'b', 'b-head'),
      ...drop('e', '6.1.194-1', 'd'),
      split('e', 'd', 'd-head'),
      ...drop('f', '6.1.194-2', 'c'),
      split('f', 'c', 'c-head'),
    );
    expect(shown(forked)).toMatchObject({
      head: '6.1',
      branches: { '6.1': 'f-head', '6.1+6.1.193_rc1-1': 'e-head' },
    });
  });

  it('never shows a step on commits that it doesn’t stand on', () => {
    const anew = publish(...begun, ...drop('c', '6.1.193-1', 'b'), split('c', 'b', 'another-root'));
    expect(shown(anew)).toMatchObject({ branches: { '6.1': 'b-head', '6.1+6.1.193-1': 'c-head' } });
  });

  it('shows what was split before steps were chained, each on its own root', () => {
    const old = [...drop('a', '6.1.190-1'), ...drop('b', '6.1.192-2', 'a'), split('b', 'a', undefined)];
    const next = [...drop('c', '6.1.193-1', 'b'), split('c', 'b', undefined)];
    const now = [...drop('d', '6.1.194-1', 'c'), split('d', 'c', 'c-head')];
    expect(shown(publish(...old, ...next, ...now))).toEqual({
      head: '6.1',
      branches: { '6.1': 'b-head', '6.1+6.1.193-1': 'd-head' },
      tags: { '6.1.192-2': 'b-head', '6.1.193-1': 'c-head', '6.1.194-1': 'd-head' },
    });
  });

  it('names what comes without a version, or twice with the same, after the drop', () => {
    const odd = publish(
      ...drop('a', ''),
      ...drop('b', '', 'a'),
      split('b', 'a', 'a-root'),
      ...drop('c', '', 'b'),
      split('c', 'b', 'b-head'),
    );
    expect(shown(odd)).toEqual({
      head: 'main',
      branches: { main: 'c-head' },
      tags: { a: 'a-root', b: 'b-head', c: 'c-head' },
    });
    const twice = publish(...begun, ...drop('c', '6.1.192-2', 'b'), split('c', 'b', 'b-head'));
    expect(shown(twice)?.tags).toMatchObject({ '6.1.192-2': 'b-head', '6.1.192-2+c': 'c-head' });
  });

  it.each([
    ['1:6.1~rc1-1+b2', '1%6.1_rc1-1+b2'],
    ['6..1', 'b'],
    ['6.1.lock', 'b'],
    ['-6.1', 'b'],
    ['a/b', 'b'],
    ['6.1 -f', 'b'],
  ])('tags version %s as %s', (version, name) => {
    const { redpatch } = publish(...drop('a', '6.1'), ...drop('b', version, 'a'), split('b', 'a', 'a-root'));
    expect(redpatch.drop('b')?.tag).toBe(name);
  });

  it('is one a product', () => {
    const others = [
      ...drop('xa', '6.1.190-1', undefined, 'other'),
      ...drop('xb', '6.1.192-2', 'xa', 'other'),
      split('xb', 'xa', 'xa-root'),
    ];
    const published = publish(...begun, ...others);
    expect(published.redpatch.products()).toEqual([product, 'other']);
    expect(shown(published, 'other')).toMatchObject({ branches: { '6.1': 'xb-head' } });
    expect(shown(published)).toEqual(shown(publish(...begun)));
    expect(shown(published, 'nobody')).toBeUndefined();
  });
});
