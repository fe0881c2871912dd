import { AptError, type AptPackage, packageNames, packageVersions } from './apt.js';
import { compareVersions, upstreamVersion } from './version.js';

/** The packages for one live-patching step: the machine runs `from`, and the fixes come from the step to `to`. */
export interface KernelStep {
  /** `uname -r` of the machine's kernel, e.g. `6.1.0-54-amd64`. */
  readonly release: string;
  readonly image: AptPackage;
  /** linux-headers-<release>, its -common, and linux-kbuild. */
  readonly headers: readonly AptPackage[];
  readonly from: AptPackage;
  readonly to: AptPackage;
}

/**
 * Chooses, from what the archive has today, the newest source version and the newest older one of another upstream release
 * for which image and headers are there too. ABI numbers come and go, so none is ever named in code.
 * @param series e.g. `6.1`.
 * @throws AptError `package-not-found` that says what is missing.
 */
export async function findKernelStep(series: string): Promise<KernelStep> {
  const sources = await packageVersions([`linux-source-${series}`]);
  const to = sources.at(-1);
  if (to === undefined)
    throw new AptError('package-not-found', `the archive has no linux-source-${series}: run apt-get update`);
  const escaped = series.replaceAll('.', String.raw`\.`);
  const imageName = new RegExp(`^linux-image-(${escaped}\\.\\d+-\\d+-amd64)$`);
  const names = (await packageNames(`linux-image-${series}.`)).filter((name) => imageName.test(name));
  const images = await packageVersions(names);

  for (const from of sources.toReversed()) {
    if (upstreamVersion(from.version) === upstreamVersion(to.version)) continue;
    const image = images.find((candidate) => candidate.version === from.version);
    const release = image && imageName.exec(image.name)?.[1];
    if (image === undefined || release === undefined) continue;
    const headers = await findHeaders(series, release, from.version);
    if (headers !== undefined) return { release, image, headers, from, to };
  }
  throw new AptError(
    'package-not-found',
    `no linux-source-${series} older than ${to.version} has an image and headers of the same version in the archive`,
  );
}

async function findHeaders(
  series: string,
  release: string,
  version: string,
): Promise<readonly AptPackage[] | undefined> {
  const abi = release.replace(/-amd64$/, '');
  const found = await packageVersions([
    `linux-headers-${release}`,
    `linux-headers-${abi}-common`,
    `linux-kbuild-${series}`,
  ]);
  const own = found.filter((one) => one.version === version && one.name.startsWith('linux-headers-'));
  // linux-kbuild holds objtool and scripts. Its older versions leave the archive first; a newer one of the series does.
  const kbuild = found.find(
    (one) => one.name.startsWith('linux-kbuild-') && compareVersions(one.version, version) >= 0,
  );
  return own.length === 2 && kbuild !== undefined ? [...own, kbuild] : undefined;
}
