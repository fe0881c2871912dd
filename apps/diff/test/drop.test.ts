import { fact } from '#libs/contracts';
import { dropState, nextStep } from '../src/domain/drop.js';

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
    });
  });

  it('goes on from where its base’s own series ended, and waits for that as long as it can still come', () => {
    const followsB = fact('SourceDropReceived', { ...received.data, dropId: 'c', base: 'b' });
    const drop = dropState([followsB, unpackedOf('c')]);
    const base = dropState([received, unpackedB]);
    const beforeBase = dropState([first, unpackedA]);
    expect(nextStep(drop, dropState([received, unpackedB, split]), beforeBase)).toMatchObject({
      kind: 'split',
      onto: split.data.head,
    });
    expect(nextStep(drop, base, beforeBase)).toEqual({ kind: 'wait', why: 'its base b is not split yet' });
    expect(nextStep(drop, base, dropState([first]))).toMatchObject({ kind: 'wait' });
    const begun = nextStep(drop, base, dropState([first, rejected]));
    expect(begun).toMatchObject({ kind: 'split', base: unpackedB.data });
    expect(begun).not.toHaveProperty('onto');
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
