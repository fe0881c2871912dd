import type { Digest, Fact, Role } from '#libs/contracts';
import { evolveToken, initialToken, type TokenFact, type TokenState } from './token.js';

/** Who makes a call. */
export interface Principal {
  readonly tokenId: string;
  readonly role: Role;
}

/** All tokens, found by the hash of a secret; folded from the log. */
export class IndexOfTokens {
  private readonly tokens = new Map<string, TokenState>();
  private readonly bySecret = new Map<Digest, string>();

  apply(fact: Fact): void {
    if (!isTokenFact(fact)) return;
    const { tokenId } = fact.data;
    this.tokens.set(tokenId, evolveToken(this.tokens.get(tokenId) ?? initialToken(), fact));
    if (fact.type !== 'TokenRevoked') this.bySecret.set(fact.data.secretHash, tokenId);
  }

  /**
   * Who shows a secret with this hash; undefined if nobody may with it now. Looking a hash up tells by its timing at most something
   * of hashes, from which no secret follows.
   */
  find(secretHash: Digest, at: Date): Principal | undefined {
    const tokenId = this.bySecret.get(secretHash);
    const token = tokenId === undefined ? undefined : this.tokens.get(tokenId);
    if (token === undefined || token.status !== 'active') return undefined;
    if (token.expiresAt !== undefined && Date.parse(token.expiresAt) <= at.getTime()) return undefined;
    const isCurrent = token.secretHash === secretHash;
    const isPrevious = token.previous?.secretHash === secretHash && at.getTime() < Date.parse(token.previous.until);
    return isCurrent || isPrevious ? { tokenId: token.tokenId, role: token.role } : undefined;
  }
}

function isTokenFact(fact: Fact): fact is TokenFact {
  return fact.type === 'TokenIssued' || fact.type === 'TokenRotated' || fact.type === 'TokenRevoked';
}
