import type { KernelIdentity, RunningKernel, Tier } from '#libs/contracts';

/** A licence as who bought it knows it. */
export interface KnownLicense {
  readonly licenseId: string;
  readonly distro: string;
  /** The newest token. */
  token: string;
}

/** A bundle as it is told of; what has become of it only the log knows. */
export interface KnownBundle {
  readonly bundleId: string;
  readonly kernelId: string;
}

const common = { arch: 'x86_64' } as const;

function kernel(distro: string, release: string, letter: string): KernelIdentity {
  const vermagic = `${release} SMP preempt mod_unload modversions `;
  return { ...common, distro, release, version: `${release}-1`, buildId: letter.repeat(40), vermagic };
}

/** The service's own distribution: served without limit. */
export const ownDistro = 'splicecast';

/** The kernels that there are, by id. */
export const kernels: ReadonlyMap<string, KernelIdentity> = new Map([
  ['k-debian-54', kernel('debian', '6.1.0-54-amd64', 'a')],
  ['k-debian-55', kernel('debian', '6.1.0-55-amd64', 'b')],
  ['k-own-1', kernel(ownDistro, '6.12.0-1-amd64', 'c')],
]);

export const tiers: readonly Tier[] = ['canary', 'early', 'stable'];

export function runningOf({ distro, arch, release, buildId }: KernelIdentity): RunningKernel {
  return { distro, arch, release, buildId };
}

/** What the simulated people and machines have heard of, together. */
export class World {
  readonly customers: string[] = [];
  readonly licenses: KnownLicense[] = [];
  readonly bundles: KnownBundle[] = [];
  /** Those that are in use, the newest last. */
  readonly machineIds: string[] = [];
  readonly tokens: { readonly tokenId: string; readonly secret: string }[] = [];
}
