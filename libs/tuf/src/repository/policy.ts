/** How many must sign a role, and for how long that holds. */
export interface RolePolicy {
  readonly threshold: number;
  readonly lifetimeSec: number;
}

/** The repository's rules, as data: a test or another operator brings their own. */
export interface Policy {
  readonly root: RolePolicy;
  /** Delegates, and vouches for nothing itself. */
  readonly targets: RolePolicy;
  /** `<distro>-<arch>`: delegates to its kernel releases. */
  readonly channel: RolePolicy;
  /** `<distro>-<arch>/<kernel-release>`: vouches for bundles. Two keys, so that one that is stolen alone vouches for nothing. */
  readonly release: RolePolicy;
  /** Recalls and revocations. */
  readonly recall: RolePolicy;
  readonly snapshot: RolePolicy;
  readonly timestamp: RolePolicy;
  readonly maxTargetsPerRelease: number;
  /** What has less than this part of its lifetime left is signed again by `renew`. */
  readonly renewBelow: number;
}

const daySec = 24 * 60 * 60;

export const standardPolicy: Policy = {
  root: { threshold: 3, lifetimeSec: 365 * daySec },
  targets: { threshold: 2, lifetimeSec: 180 * daySec },
  channel: { threshold: 2, lifetimeSec: 30 * daySec },
  release: { threshold: 2, lifetimeSec: 30 * daySec },
  recall: { threshold: 2, lifetimeSec: 7 * daySec },
  snapshot: { threshold: 1, lifetimeSec: 7 * daySec },
  timestamp: { threshold: 1, lifetimeSec: daySec },
  maxTargetsPerRelease: 250,
  renewBelow: 0.5,
};

/** Whether a role that ends then is to be signed again now. */
export function isDue(expiresMs: number, { lifetimeSec }: RolePolicy, { renewBelow }: Policy, nowMs: number): boolean {
  return expiresMs - nowMs < lifetimeSec * 1000 * renewBelow;
}
