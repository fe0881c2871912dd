import { fact } from '#libs/contracts';
import { decideReceived, DropError, dropIdOf, dropState, needsUnpacking } from '../src/domain/drop.js';

const archive = 'ab'.repeat(32);
const dropId = dropIdOf('test-linux', archive);
const data = { dropId, product: 'test-linux', fileName: 'linux.tar.xz', archive, sizeBytes: 5 };
const received = fact('SourceDropReceived', data);
const unpacked = fact('SourceDropUnpacked', {
  dropId,
  format: 'tar',
  version: '6.1',
  tree: '1'.repeat(40),
  files: 1,
  bytes: 2,
  durationMs: 3,
});
const rejected = fact('SourceDropRejected', { dropId, reasons: [{ code: 'truncated', reason: 'cut' }] });

describe('a drop handed in', () => {
  it('is received once', () => {
    expect(decideReceived(dropState([]), data)).toEqual([received]);
    expect(decideReceived(dropState([received]), data)).toEqual([]);
    expect(decideReceived(dropState([received, unpacked]), data)).toEqual([]);
  });

  it('is tried again after it was rejected', () => {
    expect(decideReceived(dropState([received, rejected]), data)).toEqual([received]);
  });

  it('keeps the base it came with', () => {
    const after = fact('SourceDropReceived', { ...data, base: 'base-1' });
    expect(decideReceived(dropState([after]), { ...data, base: 'base-1' })).toEqual([]);
    expect(decideReceived(dropState([after]), data)).toEqual([]);
    expect(() => decideReceived(dropState([after]), { ...data, base: 'base-2' })).toThrow(codeOf('other-base'));
    expect(() => decideReceived(dropState([received]), { ...data, base: 'base-2' })).toThrow(codeOf('other-base'));
    expect(() => decideReceived(dropState([]), { ...data, base: dropId })).toThrow(codeOf('own-base'));
  });

  it('is unpacked once, and once more when it is tried again', () => {
    expect(needsUnpacking(dropState([]))).toBe(false);
    expect(needsUnpacking(dropState([received]))).toBe(true);
    expect(needsUnpacking(dropState([received, unpacked]))).toBe(false);
    expect(needsUnpacking(dropState([received, rejected]))).toBe(false);
    expect(needsUnpacking(dropState([received, rejected, received]))).toBe(true);
  });
});

function codeOf(code: string): DropError {
  return expect.objectContaining({ name: 'DropError', code }) as DropError;
}
