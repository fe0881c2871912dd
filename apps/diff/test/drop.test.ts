import { fact } from '#libs/contracts';
import { dropState, nextStep, tagOf } from '../src/domain/drop.js';

const tree = '1'.repeat(40);
const received = fact('SourceDropReceived', {
  dropId: 'b',
  product: 'p',
  fileName: 'x',
  archive: 'ab'.repeat(32),
  sizeBytes: 1,
  base: 'a',
});
const first = fact('SourceDropReceived', { ...received.data, dropId: 'a', base: undefined });
const unpackedOf = (dropId: string) =>
  fact('SourceDropUnpacked', { dropId, format: 'tar', version: '6.1', tree, files: 1, bytes: 1, durationMs: 1 });
const rejected = fact('SourceDropRejected', { dropId: 'a', reasons: [{ code: 'truncated', reason: 'cut' }] });
const split = fact('DropSplit', {
  dropId: 'b',
  base: 'a',
  series: 'ab'.repeat(32),
  head: tree,
  commits: 0,
  attributed: 0,
  remainders: 0,
  files: 0,
  insertions: 0,
  deletions: 0,
  proof: { baseTree: tree, targetTree: tree, replayedTree: tree },
  durationMs: 0,
});
const [unpackedA, unpackedB] = [unpackedOf('a'), unpackedOf('b')];

describe('a drop that was unpacked', () => {
  it('is where a line begins if it has no base', () => {
    expect(nextStep(dropState([first, unpackedA]))).toEqual({ kind: 'begin' });
  });

  it('is split once its base is unpacked', () => {
    const drop = dropState([received, unpackedB]);
    expect(nextStep(drop, dropState([first]))).toMatchObject({ kind: 'wait' });
    expect(nextStep(drop, dropState([first, unpackedA]))).toEqual({
      kind: 'split',
      base: unpackedA.data,
      target: unpackedB.data,
      baseIsSplit: false,
    });
    expect(nextStep(drop, dropState([first, unpackedA, split]))).toMatchObject({ kind: 'split', baseIsSplit: true });
  });

  it('is never split if its base was rejected, unless that is handed in again', () => {
    const drop = dropState([received, unpackedB]);
    expect(nextStep(drop, dropState([first, rejected]))).toEqual({
      kind: 'never',
      why: 'its base a was rejected (truncated: cut)',
    });
    expect(nextStep(drop, dropState([first, rejected, first]))).toMatchObject({ kind: 'wait' });
  });

  it('is split once', () => {
    expect(nextStep(dropState([received, unpackedB, split]), dropState([first, unpackedA]))).toEqual({
      kind: 'nothing',
    });
    expect(nextStep(dropState([]))).toEqual({ kind: 'nothing' });
  });
});

describe('the tag of a version', () => {
  it.each([
    ['6.1.190-1', '6.1.190-1'],
    ['1:6.1~rc1-1+b2', '1%6.1_rc1-1+b2'],
    ['', tree],
    ['6..1', tree],
    ['6.1.lock', tree],
    ['a/b', tree],
  ])('%s is %s', (version, name) => {
    expect(tagOf('p', version, tree)).toBe(`refs/tags/p/${name}`);
  });
});
