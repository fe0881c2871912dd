/** What the client is ready to spend on a repository, where signed metadata doesn't say how much is right. */
export interface ClientLimits {
  /** 5.3.3: the specification's W. */
  readonly rootBytes: number;
  /** 5.3.3: Y, how many roots one update may walk. */
  readonly rootRotations: number;
  /** 5.4.1: X. */
  readonly timestampBytes: number;
  /** 5.5.1, where the timestamp gives no length. */
  readonly snapshotBytes: number;
  /** 5.6.1: Z, where the snapshot gives no length. */
  readonly targetsBytes: number;
  /** 5.6.7.1: how many delegated roles one search may visit. */
  readonly delegatedRoles: number;
}

export const standardLimits: ClientLimits = {
  rootBytes: 512 * 1024,
  rootRotations: 256,
  timestampBytes: 16 * 1024,
  snapshotBytes: 2 * 1024 * 1024,
  targetsBytes: 5 * 1024 * 1024,
  delegatedRoles: 32,
};
