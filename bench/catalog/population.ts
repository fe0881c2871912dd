import { digestOf, type Fact, fact, type LicenseTerms, type Series } from '#libs/contracts';
import type { StreamName } from '#libs/eventstore';

/** What an aggregate lives through: its commits, in order. */
export interface Life {
  readonly stream: StreamName;
  readonly commits: readonly (readonly Fact[])[];
}

export interface Size {
  readonly machines: number;
  /** Fixes, each with a bundle that is promoted. */
  readonly patches: number;
}

const kernels = 20;
export const licenses = 1_000;
export const customers = 500;

const hex = (name: string, digits = 64): string => digestOf(name).slice(0, digits);
export const digests = (fix: number) => ({ old: hex(`old ${fix}`), patched: hex(`new ${fix}`) });
const buildIdOf = (kernel: number): string => hex(`kernel ${kernel}`, 40);
export const releaseOf = (kernel: number): string => `6.1.0-${kernel % kernels}-amd64`;
export const cveOf = (fix: number): string => `CVE-2026-${10_000 + Math.floor(fix / 2)}`;
export const commitOf = (fix: number): string => hex(`commit ${fix}`, 40);

const terms: LicenseTerms = {
  kind: 'subscription',
  distros: ['debian'],
  tier: 'stable',
  seats: 1000,
  notBefore: '2026-01-01T00:00:00.000Z',
  expiresAt: '2027-01-01T00:00:00.000Z',
  graceSec: 0,
};

/** Series and reports of the drops, as JSON: blobs that the events name. */
export function documentsOf({ patches }: Size): { readonly series: Buffer; readonly report: Buffer }[] {
  const each = Math.ceil(patches / kernels);
  return Array.from({ length: kernels }, (_drop, drop) => {
    const fixes = Array.from(
      { length: Math.max(0, Math.min(each, patches - drop * each)) },
      (_fix, at) => drop * each + at,
    );
    const series: Series = {
      schema: 1,
      baseTree: hex(`tree ${drop}`, 40),
      targetTree: hex(`tree ${drop + 1}`, 40),
      commits: fixes.map((fix) => ({
        commit: commitOf(fix),
        parent: hex('root', 40),
        tree: hex(`tree ${fix}`, 40),
        kind: 'attributed',
        subject: `subsystem ${fix % 40}: a fix that a changelog has, number ${fix}`,
        cves: [cveOf(fix)],
        confidence: 0.75,
        paths: [`fs/part${fix % 400}.c`],
        insertions: 5,
        deletions: 2,
      })),
    };
    const files = fixes.map((fix, at) => ({
      path: `fs/part${fix % 400}-${at}.c`,
      change: 'modified',
      hunks: [[fix, 2, fix, 5, [[at, 0.75]]]],
    }));
    return { series: Buffer.from(JSON.stringify(series)), report: Buffer.from(JSON.stringify({ schema: 2, files })) };
  });
}

/** Everything but the machines: drops, kernels, fixes, bundles, customers, licences. */
export function* catalogLives(size: Size): Generator<Life> {
  const documents = documentsOf(size);
  for (let drop = 0; drop <= kernels; drop++) yield dropLife(drop, documents[drop - 1]);
  for (let kernel = 0; kernel < kernels; kernel++) yield kernelLife(kernel);
  const each = Math.ceil(size.patches / kernels);
  for (let fix = 0; fix < size.patches; fix++) yield* fixLives(fix, Math.floor(fix / each));
  for (let customer = 0; customer < customers; customer++) {
    const customerId = `c${customer}`;
    yield {
      stream: `customer.${customerId}`,
      commits: [[fact('CustomerRegistered', { customerId, name: `Customer ${customer}` })]],
    };
  }
  for (let license = 0; license < licenses; license++) {
    const licenseId = `l${license}`;
    const issued = fact('SubscriptionActivated', { licenseId, customerId: `c${license % customers}`, terms, rev: 1 });
    yield { stream: `license.${licenseId}`, commits: [[issued]] };
  }
}

/** Machines that enrol, and apply some bundles of their kernel. */
export function* machineLives({ machines, patches }: Size): Generator<Life> {
  const each = Math.ceil(patches / kernels);
  for (let machine = 0; machine < machines; machine++) {
    const machineId = `m${machine}`;
    const kernel = machine % kernels;
    const runs = { distro: 'debian', arch: 'x86_64' as const, release: releaseOf(kernel), buildId: buildIdOf(kernel) };
    const licenseId = `l${machine % licenses}`;
    const lease = (leaseId: string): Fact =>
      fact('LeaseGranted', {
        machineId,
        leaseId,
        licenseId,
        kernel: runs,
        tier: 'stable',
        expiresAt: '2026-12-31T00:00:00.000Z',
      });
    const enrolled = fact('MachineEnrolled', {
      machineId,
      licenseId,
      customerId: `c${(machine % licenses) % customers}`,
      hostname: `host-${machine}.example.test`,
      keyThumbprint: digestOf(machineId).slice(0, 43),
      kernel: runs,
    });
    const bundles = [machine % each, (machine * 7) % each]
      .slice(0, machine % 5 === 0 ? 2 : 1)
      .map((at) => `b${kernel * each + at}`);
    yield {
      stream: `machine.${machineId}`,
      commits: [[enrolled, lease(`${machineId}-a`)], ...new Set(bundles)]
        .flatMap((one) =>
          typeof one !== 'string'
            ? [one]
            : [
                [fact('UpdateStaged', { machineId, bundleId: one })],
                [fact('UpdateApplied', { machineId, bundleId: one, transitionMs: 200 })],
              ],
        )
        .concat(machine % 10 === 0 ? [[lease(`${machineId}-b`)]] : []),
    };
  }
}

function dropLife(drop: number, documents: { readonly series: Buffer; readonly report: Buffer } | undefined): Life {
  const dropId = `d${drop}`;
  const received = fact('SourceDropReceived', {
    dropId,
    product: 'debian-linux-6-1',
    fileName: `linux-source-6.1_6.1.${drop}_all.deb`,
    archive: hex(dropId),
    sizeBytes: 140_000_000,
    ...(drop === 0 ? {} : { base: `d${drop - 1}` }),
  });
  if (documents === undefined) return { stream: `drop.${dropId}`, commits: [[received]] };
  const tree = hex(`tree ${drop}`, 40);
  const split = fact('DropSplit', {
    dropId,
    base: `d${drop - 1}`,
    series: digestOf(documents.series),
    report: digestOf(documents.report),
    head: hex(`head ${drop}`, 40),
    commits: 250,
    attributed: 250,
    remainders: 0,
    files: 250,
    insertions: 1000,
    deletions: 500,
    proof: { baseTree: hex(`tree ${drop - 1}`, 40), targetTree: tree, replayedTree: tree },
    durationMs: 100_000,
  });
  return { stream: `drop.${dropId}`, commits: [[received], [split]] };
}

function kernelLife(kernel: number): Life {
  const kernelId = `k${kernel}`;
  const file = (role: 'image' | 'headers') => ({ role, fileName: `${role}.deb`, digest: hex(role), sizeBytes: 1000 });
  const received = fact('KernelReceived', {
    kernelId,
    distro: 'debian',
    packages: [file('image'), file('headers')],
    dropId: `d${kernel}`,
  });
  const release = releaseOf(kernel);
  const imported = fact('KernelImported', {
    kernelId,
    kernel: {
      distro: 'debian',
      arch: 'x86_64',
      release,
      version: `6.1.${kernel}-1`,
      buildId: buildIdOf(kernel),
      vermagic: `${release} SMP`,
    },
    compiler: 'gcc-12',
    config: hex('config'),
    symvers: hex('symvers'),
    kallsyms: hex('kallsyms'),
    btf: hex('btf'),
    counts: { symbols: 94_201, exports: 20_000, btfTypes: 100_000 },
    durationMs: 900,
  });
  return { stream: `kernel.${kernelId}`, commits: [[received, imported]] };
}

function* fixLives(fix: number, kernel: number): Generator<Life> {
  const fixId = `f${fix}`;
  const bundleId = `b${fix}`;
  const kernelId = `k${kernel}`;
  const { old: oldSha256, patched: newSha256 } = digests(fix);
  const functions = [0, 1, 2].map((at) => ({
    object: 'vmlinux',
    symbol: `function_${fix}_${at}`,
    sympos: 0,
    objectFile: `fs/part${fix % 400}.o`,
    oldSha256: at === 0 ? oldSha256 : hex(`old ${fix} ${at}`),
    newSha256: at === 0 ? newSha256 : hex(`new ${fix} ${at}`),
    sizeBytes: 300,
  }));
  const proposed = fact('FixProposed', {
    fixId,
    kernelId,
    baseTree: hex(`tree ${kernel}`, 40),
    patch: hex(`patch ${fix}`),
    source: { kind: 'commit', dropId: `d${kernel + 1}`, commit: commitOf(fix) },
    subject: `subsystem ${fix % 40}: a fix that a changelog has, number ${fix}`,
    cves: [cveOf(fix)],
    confidence: 0.75,
    paths: [`fs/part${fix % 400}.c`],
  });
  const module = { name: `sc_${fixId}`, digest: hex(`module ${fix}`), sizeBytes: 90_000 };
  const built = fact('HotPatchBuilt', {
    fixId,
    kernelId,
    module,
    functions,
    runPre: { matched: 9, checked: 9 },
    warnings: [],
    durationMs: 2000,
  });
  yield { stream: `fix.${fixId}`, commits: [[proposed], [built]] };
  const assembled = fact('BundleAssembled', {
    bundleId,
    fixIds: [fixId],
    kernelId,
    manifest: hex(`m ${fix}`),
    artefact: hex(`a ${fix}`),
    sizeBytes: 50_000,
  });
  const signed = fact('BundleSigned', { bundleId, signature: hex(`s ${fix}`), keyIds: ['key-1'] });
  yield {
    stream: `bundle.${bundleId}`,
    commits: [[assembled, signed], [fact('BundlePromoted', { bundleId, tier: 'stable' })]],
  };
}
