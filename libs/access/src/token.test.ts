import { fact } from '#libs/contracts';
import {
  AccessRefusal,
  allows,
  decideToken,
  evolveToken,
  hashOf,
  IndexOfTokens,
  initialToken,
  newSecret,
  RateLimit,
  type TokenCommand,
  type TokenFact,
} from './index.js';

const at = '2026-11-26T00:00:00.000Z';
const tokenId = 't1';
const [first, second] = ['a', 'b'].map((one) => hashOf(one)) as [string, string];
const issue: TokenCommand = { type: 'IssueToken', tokenId, name: 'ops', role: 'operator', secretHash: first, at };
const issued = fact('TokenIssued', { tokenId, name: 'ops', role: 'operator', secretHash: first });
const rotate: TokenCommand = { type: 'RotateToken', tokenId, secretHash: second, overlapSec: 60, at };
const rotated = fact('TokenRotated', { tokenId, secretHash: second, previousUntil: '2026-11-26T00:01:00.000Z' });
const revoke: TokenCommand = { type: 'RevokeToken', tokenId, reason: 'left' };
const revoked = fact('TokenRevoked', { tokenId, reason: 'left' });

const decided = (command: TokenCommand, ...past: TokenFact[]) =>
  decideToken(command, past.reduce(evolveToken, initialToken()));
const refusal = (command: TokenCommand, ...past: TokenFact[]) => {
  try {
    decided(command, ...past);
  } catch (error) {
    expect(error).toBeInstanceOf(AccessRefusal);
    return (error as AccessRefusal).code;
  }
  return 'decided';
};

describe('a token', () => {
  it('is issued once', () => {
    expect(decided(issue)).toEqual([issued]);
    expect(refusal(issue, issued)).toBe('token-exists');
    expect(refusal({ ...issue, expiresAt: at })).toBe('ends-before-it-begins');
  });

  it('is rotated with an overlap, at most a week', () => {
    expect(decided(rotate, issued)).toEqual([rotated]);
    expect(refusal({ ...rotate, overlapSec: 604_801 }, issued)).toBe('overlap-too-long');
    expect(refusal(rotate)).toBe('token-unknown');
    expect(refusal(rotate, issued, revoked)).toBe('token-revoked');
  });

  it('is revoked once, and for good', () => {
    expect(decided(revoke, issued)).toEqual([revoked]);
    expect(decided(revoke, issued, revoked)).toEqual([]);
    expect(refusal(revoke)).toBe('token-unknown');
  });
});

const indexOf = (...facts: TokenFact[]) => {
  const index = new IndexOfTokens();
  for (const one of facts) index.apply(one);
  return (hash: string, when: string) => index.find(hash, new Date(when))?.role;
};

describe('the index of tokens', () => {
  it('finds who shows a secret', () => {
    const find = indexOf(issued);
    expect(find(first, at)).toBe('operator');
    expect(find(second, at)).toBeUndefined();
  });

  it('takes the secret before until the overlap ends, and not longer', () => {
    const find = indexOf(issued, rotated);
    expect([find(first, at), find(second, at)]).toEqual(['operator', 'operator']);
    expect([find(first, '2026-11-26T00:01:00.000Z'), find(second, '2026-11-26T00:01:00.000Z')]).toEqual([
      undefined,
      'operator',
    ]);
  });

  it('lets nobody in with a token that was revoked or has ended', () => {
    expect(indexOf(issued, rotated, revoked)(second, at)).toBeUndefined();
    const ending = fact('TokenIssued', { ...issued.data, expiresAt: '2026-12-01T00:00:00.000Z' });
    expect(indexOf(ending)(first, '2026-11-30T23:59:59.999Z')).toBe('operator');
    expect(indexOf(ending)(first, '2026-12-01T00:00:00.000Z')).toBeUndefined();
  });
});

it('a secret is new each time, and its hash is all that is kept', () => {
  const [one, two] = [newSecret(), newSecret()];
  expect(one.secret).not.toBe(two.secret);
  expect(one.secret).toMatch(/^sct_[A-Za-z0-9_-]{43}$/);
  expect(one.secretHash).toBe(hashOf(one.secret));
});

it('roles contain each other', () => {
  const roles = ['viewer', 'operator', 'admin'] as const;
  expect(roles.map((role) => roles.filter((needed) => allows(role, needed)))).toEqual([
    ['viewer'],
    ['viewer', 'operator'],
    ['viewer', 'operator', 'admin'],
  ]);
});

const after = (ms: number) => new Date(Date.parse(at) + ms);

describe('a rate limit', () => {
  it('lets a burst through, then as many as come back with time', () => {
    const limit = new RateLimit({ perSec: 2, burst: 3 });
    expect([0, 0, 0, 0].map(() => limit.take('a', after(0)))).toEqual([0, 0, 0, 1]);
    expect(limit.take('a', after(499))).toBe(1);
    expect(limit.take('a', after(500))).toBe(0);
    expect(limit.take('b', after(0))).toBe(0);
  });

  it('tells how long to wait, and a call that has to wait is not counted', () => {
    const limit = new RateLimit({ perSec: 0.1, burst: 1 });
    expect([0, 0, 0].map(() => limit.take('a', after(0)))).toEqual([0, 10, 10]);
    expect(limit.take('a', after(10_000))).toBe(0);
  });

  it('is not refilled by a clock that goes back', () => {
    const limit = new RateLimit({ perSec: 1, burst: 1 });
    expect(limit.take('a', after(0))).toBe(0);
    expect(limit.take('a', after(-60_000))).toBe(1);
  });

  it('remembers so many callers, and forgets who has rested longest', () => {
    const limit = new RateLimit({ perSec: 0.001, burst: 1 });
    limit.take('first', after(0));
    for (let i = 0; i < 10_000; i++) limit.take(`c${i}`, after(0));
    expect(limit.take('c9999', after(0))).toBeGreaterThan(0);
    expect(limit.take('first', after(0))).toBe(0);
  });
});
