import { Injectable, Logger } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import type { Tier, UpdatesResponse } from '#libs/contracts';
import { entitlement, type Entitlement, type LicenseState } from '#libs/licensing';
import { Clock, Problem } from '#libs/service';
import type { Lease } from '#libs/trust';
import { type FeedBundle, kernelKey, mayFetch, offer } from './domain/offer.js';
import { notEnrolled } from './enrolment.js';
import type { Caller } from './machine-gate.js';
import type { FeedIndex, FeedMachine } from './projections/feed-index.js';
import { LiveIndex } from './projections/live-index.js';

const maxSignatureBytes = 65_536;
/** Of the contract; a kernel release has some hundreds. */
const maxBundles = 10_000;

type Offered = UpdatesResponse['bundles'][number];

/** Says what a machine may have. All from memory: no request writes, and none waits for a database. */
@Injectable()
export class Updates {
  private readonly log = new Logger(Updates.name);
  /** Signatures by digest, some hundred bytes each. */
  private readonly signatures = new Map<string, string>();

  constructor(
    private readonly live: LiveIndex,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
  ) {}

  /** Whether the caller is enrolled. @throws Problem 403, 503. */
  machine({ machineId }: Caller): FeedMachine {
    const machine = this.live.current().machine(machineId);
    if (machine === undefined) throw notEnrolled();
    return machine;
  }

  /** What the caller is told. Without a lease that holds it gets nothing new, but hears what became of the rest. */
  async list(caller: Caller, lease: Lease | undefined): Promise<UpdatesResponse> {
    const index = this.live.current();
    const machine = this.machine(caller);
    const kernel = lease?.kernel ?? machine.kernel;
    const { tier, has } = this.claim(index, machine, lease);
    const offered = offer(index.bundlesFor(kernel), { tier, held: machine.held }, has).slice(-maxBundles);
    const bundles = await Promise.all(offered.map((bundle) => this.describe(bundle)));
    return { schema: 1, machineId: caller.machineId, bundles: bundles.filter((one) => one !== undefined) };
  }

  /** The bundle, if the caller may fetch it now. @throws Problem 403, 404, 410. */
  entitledBundle(caller: Caller, lease: Lease, bundleId: string): FeedBundle {
    const index = this.live.current();
    const machine = this.machine(caller);
    const bundle = index.bundle(bundleId);
    if (bundle === undefined) throw Problem.notFound('bundle', bundleId.slice(0, 64));
    if (bundle.recalled !== undefined) {
      throw new Problem({
        status: 410,
        code: 'bundle-recalled',
        title: 'This bundle was withdrawn',
        detail: bundle.recalled.reason,
      });
    }
    const { tier, has } = this.claim(index, machine, lease);
    if (kernelKey(bundle.kernel) !== kernelKey(lease.kernel) || !mayFetch(bundle, tier, has)) {
      throw new Problem({
        status: 403,
        code: 'not-entitled',
        title: 'This machine may not have this bundle',
        ...(has.entitled ? {} : { extra: { reasons: has.reasons } }),
      });
    }
    return bundle;
  }

  /** What the licence allows now, as the log has it: a revocation counts at once, whatever the lease says. */
  private claim(index: FeedIndex, machine: FeedMachine, lease?: Lease): { tier: Tier; has: Entitlement } {
    const license: LicenseState = index.license(machine.licenseId);
    if (license.status === 'unknown') return { tier: 'stable', has: without('license-unknown', 'it is not known') };
    const { tier } = license.terms;
    if (lease === undefined) return { tier, has: without('lease-ended', 'the lease has ended') };
    if (lease.licenseId !== machine.licenseId) {
      return { tier, has: without('license-changed', 'the lease is of another licence') };
    }
    const isRevoked = license.status === 'revoked';
    return { tier, has: entitlement(license.terms, isRevoked, lease.kernel, this.clock.now()) };
  }

  private async describe(bundle: FeedBundle): Promise<Offered | undefined> {
    const { bundleId, artefact, sizeBytes, recalled } = bundle;
    const signature = await this.signatureOf(bundle);
    if (signature === undefined) return undefined;
    return {
      bundleId,
      artefact: { path: `/v1/bundles/${bundleId}/artefact`, sha256: artefact, length: sizeBytes },
      signature,
      ...(recalled === undefined ? {} : { recalled }),
    };
  }

  /** One signature that can't be read must not hide all other fixes: it is left out, and said loudly here. */
  private async signatureOf({ bundleId, signature }: FeedBundle): Promise<string | undefined> {
    if (signature === undefined) return undefined;
    const known = this.signatures.get(signature);
    if (known !== undefined) return known;
    try {
      const text = (await this.blobs.read(signature, maxSignatureBytes)).toString('utf8');
      this.signatures.set(signature, text);
      return text;
    } catch (error) {
      this.log.error(`bundle ${bundleId} is not offered, its signature can't be read: ${String(error)}`);
      return undefined;
    }
  }
}

function without(code: string, reason: string): Entitlement {
  return { entitled: false, reasons: [{ code, reason }] };
}
