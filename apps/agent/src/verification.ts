import type { LoadedFunction, LoadedPatch } from '#libs/loader';
import { admit } from './admission.js';
import { type BundleState, isApplied, statesFrom } from './domain/bundle-state.js';
import type { AgentContext } from './context.js';
import { type Grounds, groundsOf } from './grounds.js';
import { reasonsOf, Refusal } from './refusal.js';

/** Whether a bundle is what it should be, on the disk and, if it is applied, in the kernel. */
export interface Verified {
  readonly bundleId: string;
  readonly applied: boolean;
  readonly ok: boolean;
  readonly reasons: readonly { readonly code: string; readonly reason: string }[];
}

/**
 * Checks all that is kept anew, from the pinned root on and with no network: the bytes of each bundle, who vouches for it, and what the
 * kernel says an applied one replaced.
 */
export async function verifyCache(context: AgentContext): Promise<Verified[]> {
  const { state, loader } = context;
  const bootId = await state.bootId();
  const grounds = await groundsOf(context, await loader.runningKernel());
  const patches = new Map((await loader.loaded()).map((patch) => [patch.module, patch]));
  const states = statesFrom(await state.journal.read());
  const applied = [...states.values()].filter((one) => isApplied(one, bootId)).map(({ bundleId }) => bundleId);
  const all = [...new Set([...applied, ...(await state.bundles.list())])];
  const verified: Verified[] = [];
  for (const bundleId of all) {
    const runs = applied.includes(bundleId);
    const reasons = await wrongWith(context, grounds, bundleId, runs ? { state: states.get(bundleId), patches } : {});
    verified.push({ bundleId, applied: runs, ok: reasons.length === 0, reasons });
  }
  return verified;
}

interface InKernel {
  readonly state?: BundleState;
  readonly patches?: ReadonlyMap<string, LoadedPatch>;
}

async function wrongWith(
  context: AgentContext,
  grounds: Grounds,
  bundleId: string,
  { state, patches }: InKernel,
): Promise<Verified['reasons']> {
  try {
    const cached = await context.state.bundles.read(bundleId);
    if (cached === undefined) throw Refusal.of('not-cached', 'its bytes are not there any more');
    const { offer, bytes } = cached;
    // As of the state that is kept, which may have expired since: that it did is said of the metadata, not of the bundle.
    await admit({ offer, wasAdmitted: true, runs: patches !== undefined, bring: async () => bytes }, grounds);
    const inKernel = patches?.get(state?.summary?.module ?? '')?.functions ?? [];
    if (patches !== undefined && keysOf(inKernel) !== keysOf(state?.summary?.functions ?? [])) {
      throw Refusal.of('wrong-module', 'the kernel runs other functions than it replaces');
    }
    return [];
  } catch (error) {
    return reasonsOf(error);
  }
}

function keysOf(functions: readonly LoadedFunction[]): string {
  const keys = functions.map(({ object, symbol, sympos }) => `${object}/${symbol},${sympos === 0 ? 1 : sympos}`);
  return keys.sort().join('\n');
}
