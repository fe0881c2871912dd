export interface ControlFacts {
  readonly version: string;
  /** Of all files. */
  readonly sizeBytes: number;
  /** Whether node is in the package: Debian 12's own is too old. */
  readonly withNode: boolean;
}

/** The package's control file (Debian Policy 5.3). With node in it, it needs what node is linked to. */
export function controlText({ version, sizeBytes, withNode }: ControlFacts): string {
  const needs = withNode ? 'kmod, libc6, libstdc++6' : 'kmod, nodejs (>= 20.19)';
  return `Package: splicecast-agent
Version: ${version}
Architecture: ${withNode ? 'amd64' : 'all'}
Maintainer: The Splicecast project <splicecast@localhost>
Installed-Size: ${Math.ceil(sizeBytes / 1024)}
Depends: ${needs}
Section: admin
Priority: optional
Description: keeps the running kernel patched, with no reboot
 Listens for live patches that this machine is entitled to, verifies them from
 its pinned root on, and loads them through the kernel's own livepatch loader.
`;
}
