import { listenerNkey } from '#libs/broker';
import { type Fact, fact, type KernelIdentity } from '#libs/contracts';
import type { EventStore, StreamName } from '#libs/eventstore';

export const kernel: KernelIdentity = {
  distro: 'debian',
  arch: 'x86_64',
  release: '6.1.0-54-amd64',
  version: '6.1.190-1',
  buildId: 'ab'.repeat(20),
  vermagic: '6.1.0-54-amd64 SMP',
};

export interface SeededMachine {
  readonly machineId: string;
  readonly keyThumbprint: string;
  readonly x: string;
}

/** Commits on their way at once. */
const width = 200;

/** Writes what the feed folds, as the stages before it would. */
export class Seeds {
  private written = 0;

  constructor(private readonly events: EventStore) {}

  async write(stream: StreamName, ...facts: Fact[]): Promise<void> {
    this.written += 1;
    const { revision } = await this.events.readStream(stream);
    const context = { actor: 'bench', commandId: `bench-${this.written}`, correlationId: 'bench' };
    await this.events.appendToStream(stream, revision, facts, context);
  }

  async kernel(digest: string): Promise<void> {
    const counts = { symbols: 1, exports: 1, btfTypes: 1 };
    const files = { config: digest, symvers: digest, kallsyms: digest, btf: digest };
    const imported = { kernelId: 'bench', kernel, compiler: 'gcc-12', ...files, counts, durationMs: 1 };
    await this.write('kernel.bench', fact('KernelImported', imported));
  }

  /** A signed bundle that is promoted to no tier yet. */
  async bundle(bundleId: string, digest: string): Promise<void> {
    const files = { manifest: digest, artefact: digest, sizeBytes: 9 };
    await this.write(
      `bundle.${bundleId}`,
      fact('BundleAssembled', { bundleId, fixIds: [bundleId], kernelId: 'bench', ...files }),
      fact('BundleSigned', { bundleId, signature: digest, keyIds: ['bench'] }),
    );
  }

  async license(licenseId: string, seats: number): Promise<void> {
    const notBefore = new Date(Date.now() - 3_600_000).toISOString();
    const expiresAt = new Date(Date.now() + 30 * 86_400_000).toISOString();
    const distros = ['debian'];
    const terms = {
      kind: 'trial' as const,
      distros,
      tier: 'stable' as const,
      seats,
      notBefore,
      expiresAt,
      graceSec: 0,
    };
    await this.write(`license.${licenseId}`, fact('TrialIssued', { licenseId, customerId: 'bench', terms, rev: 1 }));
  }

  /** Machines with a lease each. */
  async machines(licenseId: string, machines: readonly SeededMachine[]): Promise<void> {
    const { distro, arch, release, buildId } = kernel;
    const running = { distro, arch, release, buildId } as const;
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    for (let begun = 0; begun < machines.length; begun += width) {
      const batch = machines.slice(begun, begun + width);
      await Promise.all(
        batch.map(({ machineId, keyThumbprint, x }) =>
          this.write(
            `machine.${machineId}`,
            fact('MachineEnrolled', { machineId, licenseId, customerId: 'bench', keyThumbprint, kernel: running }),
            fact('LeaseGranted', {
              machineId,
              leaseId: `lease-${machineId}`,
              licenseId,
              kernel: running,
              tier: 'stable',
              expiresAt,
              hintUser: listenerNkey(x),
            }),
          ),
        ),
      );
    }
  }
}
