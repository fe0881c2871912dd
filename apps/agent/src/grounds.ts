import type { RunningKernel, TrustKeys } from '#libs/contracts';
import { TrustError, verifyLease } from '#libs/trust';
import type { AgentContext } from './context.js';
import { isMetadataCode } from './domain/metadata-code.js';
import type { KlpSymbol, SymbolCounts } from './domain/klp-symbols.js';
import { notRegistered } from './adapters/state-folder.js';
import { Refusal } from './refusal.js';
import { keptMetadata, type SignedMetadata } from './signed-metadata.js';

/** What bundles are judged on: what this machine has pinned, what it runs, and what was signed for it. */
export interface Grounds {
  readonly kernel: RunningKernel;
  readonly trust: TrustKeys;
  /** Why the last check-in could not bring the newest signed metadata, where that is so. */
  readonly trouble: Refusal | undefined;
  /** The signed metadata, verified from the pinned root; undefined where no root is pinned. @throws TufError, Refusal. */
  metadata(asOf: 'now' | 'then'): Promise<SignedMetadata | undefined>;
  /** @throws Refusal `lease-ended`, `lease-untrusted`. */
  checkLease(): Promise<void>;
  /** How often these occur in the running kernel. @throws LoaderError. */
  symbols(asked: readonly KlpSymbol[]): Promise<SymbolCounts>;
}

/** @throws AgentError `not-registered`. */
export async function groundsOf(context: AgentContext, kernel: RunningKernel): Promise<Grounds> {
  const { state, loader } = context;
  const trust = await state.trust.read();
  if (trust === undefined) throw notRegistered();
  const { root } = trust;
  const trouble = root === undefined ? undefined : await troubleOf(context);
  return {
    kernel,
    trust,
    trouble,
    metadata: async (asOf) => {
      if (root === undefined) return undefined;
      const kept = await keptMetadata(context, root, asOf);
      if (kept !== undefined) return kept;
      throw trouble ?? Refusal.metadata('no-metadata', 'no whole state of the signed metadata was had yet');
    },
    checkLease: async () => checkLease(context, trust),
    symbols: async (asked) => loader.symbols(asked),
  };
}

async function troubleOf({ state }: AgentContext): Promise<Refusal | undefined> {
  const { problem } = (await state.checkIn.read()) ?? {};
  if (problem === undefined || !isMetadataCode(problem.code)) return undefined;
  // A code of its own: it is the check-in that has the attack's, and nothing was downloaded for which a next try should wait.
  return Refusal.metadata('no-metadata', `the newest state of it could not be had: ${problem.code}: ${problem.reason}`);
}

async function checkLease({ state, now }: AgentContext, trust: TrustKeys): Promise<void> {
  const lease = await state.lease.read();
  if (lease === undefined) throw notRegistered();
  try {
    await verifyLease(lease.answer.lease, trust, await state.machineKey(), now());
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause;
    const advice = 'what is applied stays; run `splicecast upgrade`, which renews the lease or says why it can’t';
    throw Refusal.of(
      cause.code === 'expired' ? 'lease-ended' : 'lease-untrusted',
      `the lease: ${cause.message}`,
      advice,
    );
  }
}
