import { digestOf, type Fact, fact, type LevelContent, type LicenseTerms, type Series } from '#libs/contracts';
import type { EventStore, StreamName } from '#libs/eventstore';

const git = (digit: string): string => digit.repeat(40);
const sha = (digit: string): string => digit.repeat(64);

/** A split of two commits and one remainder. */
export const series: Series = {
  schema: 1,
  baseTree: git('a'),
  targetTree: git('b'),
  commits: [
    commit('1', 'fcntl: refuse a bad hint', ['CVE-2026-1111', 'CVE-2026-2222'], ['fs/fcntl.c']),
    commit('2', 'pipe: count once', ['CVE-2026-1111'], ['fs/pipe.c']),
    { ...commit('3', 'Remainder: drivers/net', [], ['drivers/net/a.c']), kind: 'remainder', label: 'drivers/net' },
  ],
};
export const seriesBytes = Buffer.from(JSON.stringify(series));
/** As much of a report as shows that it is served as it is. */
export const report = {
  schema: 2,
  files: [{ path: 'fs/fcntl.c', change: 'modified', hunks: [[1, 1, 1, 2, [[0, 0.75]]]] }],
};
export const reportBytes = Buffer.from(JSON.stringify(report));

function commit(digit: string, subject: string, cves: string[], paths: string[]): Series['commits'][number] {
  return {
    commit: git(digit),
    parent: git('0'),
    tree: git(digit),
    kind: 'attributed',
    subject,
    cves,
    confidence: 0.75,
    paths,
    insertions: 3,
    deletions: 1,
  };
}

export const kernel = {
  distro: 'debian',
  arch: 'x86_64' as const,
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP preempt mod_unload modversions ',
};
const { version: _version, vermagic: _vermagic, ...running } = kernel;
export const runningKernel = running;

export const terms: LicenseTerms = {
  kind: 'trial',
  distros: ['debian'],
  tier: 'stable',
  seats: 10,
  notBefore: '2026-11-23T12:00:00.000Z',
  expiresAt: '2026-12-23T12:00:00.000Z',
  graceSec: 0,
};

export type Append = readonly [stream: StreamName, ...facts: Fact[]];

export const fixFacts = (fixId: string, cves: string[] = []): Fact<'FixProposed'> =>
  fact('FixProposed', {
    fixId,
    kernelId: 'k54',
    baseTree: git('a'),
    patch: sha('c'),
    source: { kind: 'commit', dropId: 'd2', commit: git('1') },
    subject: `fix ${fixId}`,
    cves,
    confidence: 0.5,
    paths: ['fs/fcntl.c'],
  });

const patched = {
  object: 'vmlinux',
  symbol: 'do_fcntl',
  sympos: 0,
  objectFile: 'fs/fcntl.o',
  oldSha256: sha('1'),
  newSha256: sha('2'),
  sizeBytes: 200,
};

/** The level of the sample replaces the function of its fix by other bytes. */
export const levelContent: LevelContent = {
  schema: 1,
  functions: [{ ...patched, newSha256: sha('5') }],
  warnings: [],
};
export const levelContentBytes = Buffer.from(JSON.stringify(levelContent));

export const bundleFacts = (bundleId: string, fixId: string): readonly Fact[] => [
  fact('BundleAssembled', {
    bundleId,
    fixIds: [fixId],
    kernelId: 'k54',
    manifest: sha('d'),
    artefact: sha('e'),
    sizeBytes: 4000,
  }),
  fact('BundleSigned', { bundleId, signature: sha('f'), keyIds: ['key-1'] }),
];

/** The same of a level. */
export const levelBundleFacts = (bundleId: string, level: number, fixIds: string[]): readonly Fact[] =>
  bundleFacts(bundleId, '').map((one) =>
    one.type === 'BundleAssembled' ? fact('BundleAssembled', { ...one.data, fixIds, level }) : one,
  );

const dropAppends: readonly Append[] = [
  [
    'drop.d1',
    fact('SourceDropReceived', {
      dropId: 'd1',
      product: 'debian-linux-6-1',
      fileName: 'linux-source-6.1_6.1.190-1_all.deb',
      archive: sha('1'),
      sizeBytes: 1000,
    }),
  ],
  [
    'drop.d2',
    fact('SourceDropReceived', {
      dropId: 'd2',
      product: 'debian-linux-6-1',
      fileName: 'linux-source-6.1_6.1.192-2_all.deb',
      archive: sha('2'),
      sizeBytes: 1001,
      base: 'd1',
    }),
  ],
  [
    'drop.d1',
    fact('SourceDropRejected', { dropId: 'd1', reasons: [{ code: 'truncated-archive', reason: 'cut short' }] }),
  ],
  [
    'drop.d2',
    fact('SourceDropUnpacked', {
      dropId: 'd2',
      format: 'linux-source-deb',
      version: '6.1.192-2',
      tree: git('b'),
      files: 78_622,
      bytes: 1_500_000_000,
      changelog: sha('3'),
      durationMs: 40_000,
    }),
  ],
  [
    'drop.d2',
    fact('DropSplit', {
      dropId: 'd2',
      base: 'd1',
      series: digestOf(seriesBytes),
      report: digestOf(reportBytes),
      head: git('3'),
      commits: 3,
      attributed: 2,
      remainders: 1,
      files: 3,
      insertions: 9,
      deletions: 3,
      proof: { baseTree: git('a'), targetTree: git('b'), replayedTree: git('b') },
      durationMs: 100_000,
    }),
  ],
];

const kernelAppends: readonly Append[] = [
  [
    'kernel.k54',
    fact('KernelReceived', {
      kernelId: 'k54',
      distro: 'debian',
      packages: [
        { role: 'image', fileName: 'image.deb', digest: sha('4'), sizeBytes: 1 },
        { role: 'headers', fileName: 'headers.deb', digest: sha('5'), sizeBytes: 2 },
      ],
      dropId: 'd1',
    }),
  ],
  [
    'kernel.k54',
    fact('KernelImported', {
      kernelId: 'k54',
      kernel,
      compiler: 'gcc-12',
      config: sha('6'),
      symvers: sha('7'),
      kallsyms: sha('8'),
      btf: sha('9'),
      counts: { symbols: 94_201, exports: 20_000, btfTypes: 100_000 },
      durationMs: 900,
    }),
  ],
];

const fixAppends: readonly Append[] = [
  ['fix.f1', fixFacts('f1', ['CVE-2026-1111', 'CVE-2026-2222'])],
  ['fix.f2', fixFacts('f2', ['CVE-2026-1111'])],
  ['fix.f3', fixFacts('f3')],
  [
    'fix.f1',
    fact('ObjectsBuilt', {
      fixId: 'f1',
      objects: [{ path: 'fs/fcntl.o', owner: 'vmlinux', original: sha('1'), patched: sha('2') }],
      durationMs: 800,
    }),
    fact('HotPatchBuilt', {
      fixId: 'f1',
      kernelId: 'k54',
      module: { name: 'sc_f1', digest: sha('3'), sizeBytes: 9000 },
      functions: [patched],
      runPre: { matched: 10, checked: 10 },
      warnings: [],
      brings: [{ commit: '2'.repeat(40), subject: 'an earlier one', why: 'brings it' }],
      durationMs: 900,
    }),
  ],
  [
    'fix.f2',
    fact('RunPreMismatch', {
      fixId: 'f2',
      kernelId: 'k54',
      mismatches: [{ code: 'bytes-differ', reason: 'not the shipped bytes', symbol: 'pipe_read' }],
    }),
    fact('HotPatchRefused', {
      fixId: 'f2',
      kernelId: 'k54',
      stage: 'match',
      reasons: [
        { code: 'bytes-differ', reason: 'not the shipped bytes', symbol: 'pipe_read' },
        { code: 'no-fentry', reason: 'a syscall body', symbol: '__do_sys_pipe' },
      ],
      durationMs: 700,
    }),
  ],
  ['bundle.b1', ...bundleFacts('b1', 'f1')],
  ['bundle.b1', fact('BundlePromoted', { bundleId: 'b1', tier: 'canary' })],
  ['bundle.b1', fact('BundlePromoted', { bundleId: 'b1', tier: 'stable' })],
  ['bundle.b2', ...bundleFacts('b2', 'f3')],
  ['level.k54', fact('LevelProposed', { kernelId: 'k54', level: 1, fixIds: ['f1'], leaveOut: true })],
  [
    'level.k54',
    fact('LevelBuilt', {
      kernelId: 'k54',
      level: 1,
      fixIds: ['f1'],
      module: { name: 'splicecast_level_1', digest: sha('3'), sizeBytes: 9000 },
      content: digestOf(levelContentBytes),
      functions: 1,
      runPre: { matched: 10, checked: 10 },
      warnings: 0,
      leftOut: [],
      durationMs: 900,
    }),
  ],
  ['level.k54', fact('LevelProposed', { kernelId: 'k54', level: 2, fixIds: ['f1', 'f3'], leaveOut: false })],
  [
    'level.k54',
    fact('LevelRefused', {
      kernelId: 'k54',
      level: 2,
      stage: 'select',
      reasons: [{ code: 'level-fix-not-built', reason: 'f3 is not built' }],
      conflicts: [{ fixId: 'f3', reasons: [{ code: 'level-fix-not-built', reason: 'f3 is not built' }] }],
      durationMs: 3,
    }),
  ],
  ['bundle.b2', fact('BundleRecalled', { bundleId: 'b2', reason: 'crashed a canary' })],
];

const machineAppends: readonly Append[] = [
  ['customer.acme', fact('CustomerRegistered', { customerId: 'acme', name: 'Acme', email: 'ops@acme.test' })],
  ['license.l1', fact('TrialIssued', { licenseId: 'l1', customerId: 'acme', terms, rev: 1 })],
  [
    'machine.m1',
    fact('MachineEnrolled', {
      machineId: 'm1',
      licenseId: 'l1',
      customerId: 'acme',
      hostname: 'guest',
      keyThumbprint: 'A'.repeat(43),
      kernel: runningKernel,
    }),
    fact('LeaseGranted', {
      machineId: 'm1',
      leaseId: 'le1',
      licenseId: 'l1',
      kernel: runningKernel,
      tier: 'stable',
      expiresAt: '2026-11-30T12:00:00.000Z',
    }),
  ],
  ['machine.m1', fact('UpdateStaged', { machineId: 'm1', bundleId: 'b1' })],
  [
    'machine.m1',
    fact('UpdateStalled', {
      machineId: 'm1',
      bundleId: 'b1',
      tasks: [{ pid: 7, name: 'sleeper', stack: ['do_fcntl'] }],
    }),
  ],
  ['machine.m1', fact('UpdateApplied', { machineId: 'm1', bundleId: 'b1', transitionMs: 120 })],
  [
    'machine.m1',
    fact('UpdateFailed', {
      machineId: 'm1',
      bundleId: 'b2',
      reasons: [{ code: 'einval', reason: 'symbol not found' }],
    }),
  ],
  ['machine.m2', fact('LeaseRefused', { machineId: 'm2', reasons: [{ code: 'license-expired', reason: 'ended' }] })],
  ['license.l1', fact('LicenseRenewed', { licenseId: 'l1', terms, rev: 2, extraDays: 7, reason: 'we were away' })],
  [
    'license.l1',
    fact('LicenseTransferred', {
      licenseId: 'l1',
      from: 'acme',
      customerId: 'bmce',
      rev: 3,
      transferredAt: '2026-11-23T12:30:00.000Z',
      reason: 'bought',
    }),
  ],
  ['license.l1', fact('LicenseRevoked', { licenseId: 'l1', reason: 'fraud' })],
  [
    'machine.m9',
    fact('MachineEnrolled', {
      machineId: 'm9',
      licenseId: 'l9',
      customerId: 'bmce',
      keyThumbprint: 'B'.repeat(43),
      kernel: { distro: 'rhel', arch: 'x86_64', release: '5.14.0', buildId: '9'.repeat(40) },
    }),
    fact('MachineReleased', { machineId: 'm9', licenseId: 'l9', reason: 'moved' }),
    fact('MachineRetired', { machineId: 'm9', reason: 'stolen' }),
  ],
];

const accessAppends: readonly Append[] = [
  ['access.t1', fact('TokenIssued', { tokenId: 't1', name: 'ops', role: 'operator', secretHash: sha('a') })],
  [
    'access.t1',
    fact('TokenRotated', { tokenId: 't1', secretHash: sha('b'), previousUntil: '2026-11-23T13:00:00.000Z' }),
  ],
  ['access.t1', fact('TokenRevoked', { tokenId: 't1', reason: 'left' })],
  [
    'audit.2026-11-23',
    fact('AdminCalled', {
      tokenId: 't1',
      role: 'operator',
      method: 'POST',
      route: '/v1/customers',
      path: '/v1/customers',
      status: 201,
      requestId: 'req-1',
      remote: '127.0.0.1',
    }),
  ],
];

const metadataAppends: readonly Append[] = [
  [
    'metadata.tuf',
    fact('RootPublished', {
      version: 1,
      file: { name: '1.root.json', digest: sha('1'), sizeBytes: 3000 },
      expiresAt: '2027-11-23T12:00:00.000Z',
    }),
  ],
  [
    'metadata.tuf',
    fact('MetadataPublished', {
      timestamp: 4,
      snapshot: 3,
      expiresAt: '2026-11-24T12:00:00.000Z',
      files: [
        { name: '3.snapshot.json', digest: sha('3'), sizeBytes: 900 },
        { name: 'timestamp.json', digest: sha('4'), sizeBytes: 500 },
      ],
      bundleIds: ['b1'],
      recalledIds: ['b2'],
    }),
  ],
  ['metadata.tuf', fact('MetadataPruned', { files: [{ name: '2.snapshot.json', digest: sha('2') }] })],
];

/** One of everything that can happen, in the order in which it happens. */
export const sampleLog: readonly Append[] = [
  ...dropAppends,
  ...kernelAppends,
  ...fixAppends,
  ...machineAppends,
  ...accessAppends,
  ...metadataAppends,
];

/** Appends to whatever revision each stream has. */
export async function append(events: EventStore, appends: readonly Append[], run = 'sample'): Promise<void> {
  for (const [index, [stream, ...facts]] of appends.entries()) {
    const { revision } = await events.readStream(stream);
    await events.appendToStream(stream, revision, facts, {
      actor: 'test',
      commandId: `${run}:${index}`,
      correlationId: `${run}-correlation`,
    });
  }
}
