// What the build stage writes to the log, of kernels and fixes that there never were: for tests of what comes after it.
import { type EventData, type Fact, fact, type KernelIdentity, type PatchedFunction } from '#libs/contracts';

const digest = (letter: string): string => letter.repeat(64);

/** Like one of Debian 12's. */
export const madeKernel: KernelIdentity = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP preempt mod_unload modversions ',
};

/** A kernel whose packages came and which was imported. */
export function kernelFacts(kernelId: string, kernel: KernelIdentity): readonly [received: Fact, imported: Fact] {
  const packages = (['image', 'headers'] as const).map((role) => {
    return { role, fileName: `linux-${role}.deb`, digest: digest(role === 'image' ? '6' : '7'), sizeBytes: 1 };
  });
  return [
    fact('KernelReceived', { kernelId, distro: kernel.distro, packages }),
    fact('KernelImported', {
      kernelId,
      kernel,
      compiler: 'gcc-12',
      config: digest('1'),
      symvers: digest('2'),
      kallsyms: digest('3'),
      btf: digest('4'),
      counts: { symbols: 1, exports: 1, btfTypes: 1 },
      durationMs: 1,
    }),
  ];
}

/** A fix that became a module. */
export interface MadeFix {
  readonly fixId: string;
  readonly kernelId: string;
  readonly subject: string;
  readonly cves: readonly string[];
  /** Of the source file. */
  readonly path: string;
  /** The digest of its patch. */
  readonly patch: string;
  readonly module: EventData<'HotPatchBuilt'>['module'];
  readonly functions: readonly PatchedFunction[];
}

export function fixFacts(made: MadeFix): readonly [proposed: Fact, built: Fact] {
  const { fixId, kernelId, subject, cves, path, patch, module, functions } = made;
  return [
    fact('FixProposed', {
      fixId,
      kernelId,
      baseTree: 'c'.repeat(40),
      patch,
      source: { kind: 'patch' },
      subject,
      cves: [...cves],
      confidence: 1,
      paths: [path],
    }),
    fact('HotPatchBuilt', {
      fixId,
      kernelId,
      module,
      functions: [...functions],
      runPre: { matched: 1, checked: 1 },
      warnings: [],
      durationMs: 1,
    }),
  ];
}

/** A function of vmlinux, from a source file. */
export function patchedFunction(symbol: string, path: string): PatchedFunction {
  return {
    object: 'vmlinux',
    symbol,
    sympos: 0,
    objectFile: path.replace(/c$/, 'o'),
    oldSha256: digest('a'),
    newSha256: digest('b'),
    sizeBytes: 10,
  };
}
