import fc from 'fast-check';
import { compareVersions, upstreamVersion } from './version.js';

describe('compareVersions', () => {
  it.each([
    ['6.1.190-1', '6.1.192-2'],
    ['6.1.99-1', '6.1.190-1'],
    ['6.1.192-1', '6.1.192-2'],
    ['1.0~rc1-1', '1.0-1'],
    ['1.0-1', '1.0-1+deb12u1'],
    ['1.0a', '1.0+'],
    ['9.9', '1:0.1'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
  });

  it('agrees with itself', () => {
    const version = fc.stringMatching(/^[0-9][0-9a-z.+~]{0,8}(-[0-9a-z.+~]{1,5})?$/);
    fc.assert(
      fc.property(version, version, (a, b) => Math.sign(compareVersions(a, b)) === -Math.sign(compareVersions(b, a))),
    );
    fc.assert(fc.property(version, (a) => compareVersions(a, a) === 0));
  });
});

it('upstreamVersion drops epoch and revision', () => {
  expect(upstreamVersion('2:6.1.190-1')).toBe('6.1.190');
});
