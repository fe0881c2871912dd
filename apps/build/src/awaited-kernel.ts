import type { AggregateId } from '#libs/contracts';
import { type EventStore, RetryLater } from '#libs/eventstore';
import { type KernelState, kernelState } from './domain/kernel.js';

const kernelNotReadyMs = 5_000;

/** A kernel whose import has ended, either way. @throws RetryLater while it hasn't: its packages may come after the fix. */
export async function awaitedKernel(events: EventStore, kernelId: AggregateId): Promise<KernelState> {
  const stream = await events.readStream(`kernel.${kernelId}`);
  const state = kernelState(stream.events.map((one) => one.fact));
  if (!state.imported && !state.rejected)
    throw new RetryLater(kernelNotReadyMs, `kernel ${kernelId} isn't imported yet`);
  return state;
}
