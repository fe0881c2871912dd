import type { EventData, TrustKeys } from '#libs/contracts';

/** The public keys that sign signs with. */
export abstract class TrustSource {
  /** @throws Problem 503 while they aren't known. */
  abstract keys(): Promise<TrustKeys>;
}

/** Turns leases that stand in the log into tokens. */
export abstract class LeaseSigner {
  /** @returns compact JWS. @throws Problem 403 if the licence was revoked meanwhile; 503 while nobody signs. */
  abstract sign(lease: EventData<'LeaseGranted'>, keyThumbprint: string): Promise<string>;
}
