import { Injectable } from '@nestjs/common';
import { decideToken, evolveToken, initialToken, newSecret, type TokenFact, type TokenState } from '#libs/access';
import { derivedId, type Role } from '#libs/contracts';
import { Clock, Problem } from '#libs/service';
import { type Aggregate, Aggregates, contextOf } from './aggregates.js';

const token: Aggregate<TokenState, TokenFact> = {
  types: ['TokenIssued', 'TokenRotated', 'TokenRevoked'],
  initial: initialToken,
  evolve: evolveToken,
};

export interface TokenRequest {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: string;
}

/** A token with its secret, which nobody is ever told again. */
export interface FreshToken {
  readonly tokenId: string;
  readonly secret: string;
}

/** What an admin may do with operators' tokens. A secret can't be told twice, so neither issuing nor rotating is repeatable. */
@Injectable()
export class TokenCommands {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly clock: Clock,
  ) {}

  /** @throws AccessRefusal */
  async issue(key: string, request: TokenRequest): Promise<FreshToken> {
    const tokenId = derivedId('token', key);
    const { secret, secretHash } = newSecret();
    const command = {
      type: 'IssueToken',
      tokenId,
      ...request,
      secretHash,
      at: this.clock.now().toISOString(),
    } as const;
    await this.handle('issue', tokenId, key, (state) => decideToken(command, state));
    return { tokenId, secret };
  }

  /** @throws AccessRefusal; Problem 409 if this very wish was carried out before */
  async rotate(key: string, tokenId: string, overlapSec: number): Promise<FreshToken> {
    const { secret, secretHash } = newSecret();
    const at = this.clock.now().toISOString();
    const state = await this.handle('rotate', tokenId, key, (state) =>
      decideToken({ type: 'RotateToken', tokenId, secretHash, overlapSec, at }, state),
    );
    if (state.status !== 'active' || state.secretHash !== secretHash) throw doneBefore(tokenId);
    return { tokenId, secret };
  }

  /** @throws AccessRefusal `token-unknown` */
  async revoke(key: string, tokenId: string, reason: string): Promise<void> {
    await this.handle('revoke', tokenId, key, (state) => decideToken({ type: 'RevokeToken', tokenId, reason }, state));
  }

  private handle(verb: string, tokenId: string, key: string, decide: (state: TokenState) => readonly TokenFact[]) {
    return this.aggregates.handle(`access.${tokenId}`, token, contextOf(verb, tokenId, key), decide);
  }
}

function doneBefore(tokenId: string): Problem {
  return new Problem({
    status: 409,
    code: 'done-before',
    title: 'This wish was carried out before',
    detail: `the secret that token ${tokenId} got then can't be told again: rotate it once more, with another key`,
  });
}
