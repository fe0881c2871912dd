import { createHash, randomBytes } from 'node:crypto';
import { type Digest, type Fact, fact, type Role } from '#libs/contracts';
import { AccessRefusal } from './refusal.js';

export interface IssueToken {
  readonly type: 'IssueToken';
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
  readonly secretHash: Digest;
  /** ISO 8601 */
  readonly expiresAt?: string;
  readonly at: string;
}

export interface RotateToken {
  readonly type: 'RotateToken';
  readonly tokenId: string;
  readonly secretHash: Digest;
  /** How long the secret before works on, in seconds. */
  readonly overlapSec: number;
  readonly at: string;
}

export interface RevokeToken {
  readonly type: 'RevokeToken';
  readonly tokenId: string;
  readonly reason: string;
}

export type TokenCommand = IssueToken | RotateToken | RevokeToken;
export type TokenFact = Fact<'TokenIssued' | 'TokenRotated' | 'TokenRevoked'>;

export type TokenState =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'active' | 'revoked';
      readonly tokenId: string;
      readonly name: string;
      readonly role: Role;
      readonly secretHash: Digest;
      readonly expiresAt?: string;
      /** The secret before, while it still works. */
      readonly previous?: { readonly secretHash: Digest; readonly until: string };
    };

export const initialToken = (): TokenState => ({ status: 'unknown' });

/** A week: longer than that, two secrets are no change of one. */
const maxOverlapSec = 7 * 86_400;

/** Decides on an operator's token. @throws AccessRefusal */
export function decideToken(command: TokenCommand, state: TokenState): readonly TokenFact[] {
  if (command.type === 'IssueToken') return issue(command, state);
  const { tokenId } = command;
  if (state.status === 'unknown') throw new AccessRefusal('token-unknown', `there is no token ${tokenId}`);
  if (command.type === 'RevokeToken') {
    return state.status === 'revoked' ? [] : [fact('TokenRevoked', { tokenId, reason: command.reason })];
  }
  if (state.status === 'revoked') throw new AccessRefusal('token-revoked', `token ${tokenId} was revoked`);
  const { secretHash, overlapSec, at } = command;
  if (overlapSec > maxOverlapSec) {
    throw new AccessRefusal('overlap-too-long', `the secret before works at most ${maxOverlapSec} s on`, 'overlapSec');
  }
  const previousUntil = new Date(Date.parse(at) + overlapSec * 1000).toISOString();
  return [fact('TokenRotated', { tokenId, secretHash, previousUntil })];
}

export function evolveToken(state: TokenState, event: TokenFact): TokenState {
  if (event.type === 'TokenIssued') return { status: 'active', ...event.data };
  if (state.status === 'unknown') return state;
  if (event.type === 'TokenRevoked') return { ...state, status: 'revoked' };
  const { secretHash, previousUntil } = event.data;
  return { ...state, secretHash, previous: { secretHash: state.secretHash, until: previousUntil } };
}

/** A secret that nobody has seen yet; only its hash is kept. */
export function newSecret(): { readonly secret: string; readonly secretHash: Digest } {
  const secret = `sct_${randomBytes(32).toString('base64url')}`;
  return { secret, secretHash: hashOf(secret) };
}

/** A secret of 256 random bits needs no slow hash: there is nothing to guess. */
export function hashOf(secret: string): Digest {
  return createHash('sha256').update(secret).digest('hex');
}

function issue(command: IssueToken, state: TokenState): readonly TokenFact[] {
  const { tokenId, name, role, secretHash, expiresAt, at } = command;
  if (state.status !== 'unknown') throw new AccessRefusal('token-exists', `there is a token ${tokenId} already`);
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.parse(at)) {
    throw new AccessRefusal('ends-before-it-begins', `${expiresAt} is not after ${at}`, 'expiresAt');
  }
  return [fact('TokenIssued', { tokenId, name, role, secretHash, ...(expiresAt === undefined ? {} : { expiresAt }) })];
}
