import type { LoadedFunction } from '#libs/loader';
import { admit } from './admission.js';
import { notRegistered } from './adapters/state-folder.js';
import { isApplied, statesFrom } from './domain/bundle-state.js';
import type { AgentContext } from './context.js';
import { reasonsOf, Refusal } from './refusal.js';

/** Whether an applied bundle is what it should be, on the disk and in the kernel. */
export interface Verified {
  readonly bundleId: string;
  readonly ok: boolean;
  readonly reasons: readonly { readonly code: string; readonly reason: string }[];
}

/** Checks everything that is applied anew: bytes, signature and target of the bundle, and what the kernel says it replaced. */
export async function verifyApplied(context: AgentContext): Promise<Verified[]> {
  const { state, loader } = context;
  const bootId = await state.bootId();
  const keys = await state.trust.read();
  if (keys === undefined) throw notRegistered();
  const kernel = await loader.runningKernel();
  const patches = new Map((await loader.loaded()).map((patch) => [patch.module, patch]));
  const applied = [...statesFrom(await state.journal.read()).values()].filter((one) => isApplied(one, bootId));
  return Promise.all(
    applied.map(async ({ bundleId, summary }): Promise<Verified> => {
      try {
        const cached = await state.bundles.read(bundleId);
        if (cached === undefined) throw Refusal.of('not-cached', 'its bytes are not there any more');
        await admit(cached.bytes, cached.offer, keys, kernel);
        const inKernel = patches.get(summary?.module ?? '')?.functions ?? [];
        if (keysOf(inKernel) !== keysOf(summary?.functions ?? [])) {
          throw Refusal.of('wrong-module', 'the kernel runs other functions than it replaces');
        }
        return { bundleId, ok: true, reasons: [] };
      } catch (error) {
        return { bundleId, ok: false, reasons: reasonsOf(error) };
      }
    }),
  );
}

function keysOf(functions: readonly LoadedFunction[]): string {
  const keys = functions.map(({ object, symbol, sympos }) => `${object}/${symbol},${sympos === 0 ? 1 : sympos}`);
  return keys.sort().join('\n');
}
