import { z } from 'zod';
import {
  aggregateIdSchema,
  type RunningKernel,
  runningKernelSchema,
  type Tier,
  tierSchema,
  tokenTypes,
  type TrustKeys,
} from '#libs/contracts';
import { TrustError } from './errors.js';
import { checkTimes, isoOf, issuer, openToken, registeredClaims, secondsOf } from './token.js';

const audience = 'splicecast-feed';

/** No lease lasts longer: so long may a stolen disk image or a revoked licence be of use. */
export const maxLeaseMs = 7 * 24 * 60 * 60 * 1000;

/** Claims of a lease: what a machine shows with each request, beside a proof of its key. */
export const leaseClaimsSchema = z.object({
  ...registeredClaims,
  /** The machine. */
  sub: aggregateIdSchema,
  exp: z.number().int(),
  /** The licence, and which revision of its terms. */
  lic: aggregateIdSchema,
  rev: z.number().int().min(1),
  /** RFC 7800: the thumbprint of the key that must be proven. */
  cnf: z.object({ jkt: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
  kern: runningKernelSchema,
  tier: tierSchema,
});
export type LeaseClaims = z.infer<typeof leaseClaimsSchema>;

/** What a lease says, read. */
export interface Lease {
  readonly leaseId: string;
  readonly machineId: string;
  readonly licenseId: string;
  readonly rev: number;
  readonly kernel: RunningKernel;
  readonly tier: Tier;
  readonly keyThumbprint: string;
  /** ISO 8601, to the second. */
  readonly expiresAt: string;
}

/** The claims that say it; the counterpart of `openLease`. `issuedAt` is ISO 8601. */
export function leaseClaimsOf(lease: Lease, issuedAt: string): LeaseClaims {
  return {
    iss: issuer,
    sub: lease.machineId,
    aud: audience,
    jti: lease.leaseId,
    iat: secondsOf(issuedAt),
    nbf: secondsOf(issuedAt),
    exp: secondsOf(lease.expiresAt),
    lic: lease.licenseId,
    rev: lease.rev,
    cnf: { jkt: lease.keyThumbprint },
    kern: lease.kernel,
    tier: lease.tier,
  };
}

/** Who shows a lease: it is worth nothing in anybody else's hands. */
export interface LeaseHolder {
  readonly machineId: string;
  readonly keyThumbprint: string;
}

/** Opens a genuine lease of this holder, even one that has ended. @throws TrustError */
export async function openLease(token: string, keys: TrustKeys, holder: LeaseHolder): Promise<Lease> {
  return leaseOf(await openClaims(token, keys, holder));
}

/** Opens a genuine lease of this holder that holds at `at`. @throws TrustError */
export async function verifyLease(token: string, keys: TrustKeys, holder: LeaseHolder, at: Date): Promise<Lease> {
  const claims = await openClaims(token, keys, holder);
  checkTimes(claims, at);
  return leaseOf(claims);
}

async function openClaims(token: string, keys: TrustKeys, holder: LeaseHolder): Promise<LeaseClaims> {
  const expected = { typ: tokenTypes.lease, audience, keys: keys.lease, claims: leaseClaimsSchema };
  const claims = await openToken(token, expected);
  if (claims.sub !== holder.machineId) throw new TrustError('wrong-subject', 'this is another machine’s lease');
  if (claims.cnf.jkt !== holder.keyThumbprint) throw new TrustError('wrong-key', 'the lease is bound to another key');
  return claims;
}

function leaseOf(claims: LeaseClaims): Lease {
  return {
    leaseId: claims.jti,
    machineId: claims.sub,
    licenseId: claims.lic,
    rev: claims.rev,
    kernel: claims.kern,
    tier: claims.tier,
    keyThumbprint: claims.cnf.jkt,
    expiresAt: isoOf(claims.exp),
  };
}
