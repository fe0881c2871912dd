import { type Reason, type RunningKernel } from '#libs/contracts';
import { LoaderError, type StalledTask } from '#libs/loader';
import { type Admitted, admit } from './admission.js';
import { notRegistered } from './adapters/state-folder.js';
import { type BundleStates, statesFrom } from './domain/bundle-state.js';
import { conflictsOf } from './domain/conflict.js';
import type { Offer } from './domain/plan.js';
import type { NewRecord } from './domain/record.js';
import { type AgentContext, feedAt } from './context.js';
import { AgentError } from './errors.js';
import { reasonsOf, Refusal } from './refusal.js';

/** What became of one bundle. */
export type Outcome = { readonly bundleId: string } & (
  | { readonly result: 'applied' | 'reversed'; readonly transitionMs: number }
  | { readonly result: 'refused'; readonly reasons: readonly Reason[] }
);

/**
 * Brings one bundle into the kernel: fetch → admit → no conflict → stage → load. Each step can refuse, before any byte
 * reaches the kernel, and says why.
 * @throws AgentError where it is the service that has trouble, not the bundle.
 */
export async function applyBundle(context: AgentContext, bundleId: string, kernel: RunningKernel): Promise<Outcome> {
  const { state, log } = context;
  const before = statesFrom(await state.journal.read()).get(bundleId);
  try {
    const admitted = await fetchAndAdmit(context, bundleId, kernel);
    await refuseConflicts(context, bundleId, admitted);
    await stage(context, bundleId, admitted);
    const transitionMs = await load(context, bundleId, admitted);
    log(`applied ${bundleId}: ${titleOf(admitted)}`);
    return { bundleId, result: 'applied', transitionMs };
  } catch (error) {
    const reasons = reasonsIfExpected(error);
    const repeated = JSON.stringify(before?.reasons) === JSON.stringify(reasons);
    const attempt = (before?.attempt ?? 0) + 1;
    await state.journal.append({ type: 'Refused', bundleId, reasons: [...reasons], attempt, repeated });
    if (!repeated) log(`refused ${bundleId}: ${reasons.map(({ code, reason }) => `${code}: ${reason}`).join('; ')}`);
    return { bundleId, result: 'refused', reasons };
  }
}

/** Trouble of the service's or the agent's own is no refusal of a bundle, and is never shown as one. */
function reasonsIfExpected(error: unknown): readonly [Reason, ...Reason[]] {
  if (error instanceof AgentError) throw error;
  return reasonsOf(error);
}

/** From the cache if it is there, else from the service. Checked whole each time: a disk is not to be trusted either. */
async function fetchAndAdmit(context: AgentContext, bundleId: string, kernel: RunningKernel): Promise<Admitted> {
  const { state } = context;
  const trust = await state.trust.read();
  if (trust === undefined) throw notRegistered();
  const cached = await state.bundles.read(bundleId);
  const offers = (await state.offers.read())?.updates.bundles ?? [];
  const offer = offers.find((one) => one.bundleId === bundleId) ?? cached?.offer;
  if (offer === undefined) throw new AgentError('unknown-bundle', `the service offers no bundle ${bundleId}`);
  if (offer.recalled !== undefined) throw Refusal.of('recalled', `it was withdrawn: ${offer.recalled.reason}`);
  try {
    if (cached !== undefined) return await admit(cached.bytes, offer, trust, kernel);
    await download(context, offer);
    const fetched = await state.bundles.read(bundleId);
    if (fetched === undefined) throw Refusal.of('not-cached', 'it vanished after it was fetched');
    return await admit(fetched.bytes, offer, trust, kernel);
  } catch (error) {
    // What is bad is not kept: the next try fetches it anew.
    if (!(error instanceof AgentError)) await state.bundles.discard(bundleId);
    throw error;
  }
}

async function download(context: AgentContext, offer: Offer): Promise<void> {
  const { state } = context;
  const registration = await state.registration.read();
  const lease = await state.lease.read();
  if (registration === undefined || lease === undefined) throw notRegistered();
  const feed = feedAt(registration.url, await state.machineKey(), context);
  await feed.download(offer, lease.answer.lease, state.bundles.partial(offer.bundleId));
  await state.bundles.keep(offer);
}

async function refuseConflicts({ state }: AgentContext, bundleId: string, { summary }: Admitted): Promise<void> {
  const states: BundleStates = statesFrom(await state.journal.read());
  const [first, ...more] = conflictsOf(bundleId, summary, states, await state.bootId());
  if (first !== undefined) throw new Refusal([first, ...more]);
}

async function stage(context: AgentContext, bundleId: string, { summary }: Admitted): Promise<void> {
  await context.state.journal.append({ type: 'Staged', bundleId, summary });
}

/** The journal says what is about to happen before it does: if the machine goes down with it, the next boot knows. */
async function load(context: AgentContext, bundleId: string, { module, summary }: Admitted): Promise<number> {
  const { state, loader, transitionTimeoutMs } = context;
  await state.journal.append({ type: 'ApplyBegun', bundleId });
  const stalls: (readonly StalledTask[])[] = [];
  const { functions } = summary;
  try {
    const { transitionMs } = await state.bundles.withModule(summary.module, module, async (file) =>
      loader.load(file, summary.module, {
        functions,
        transitionTimeoutMs,
        unload: summary.reversible,
        onStall: (tasks) => stalls.push(tasks),
      }),
    );
    await recordStalls(context, bundleId, stalls);
    await state.journal.append({ type: 'Applied', bundleId, transitionMs });
    return transitionMs;
  } catch (error) {
    await recordStalls(context, bundleId, error instanceof LoaderError ? [...stalls, error.tasks] : stalls);
    throw error;
  }
}

/** Takes a bundle back. @throws AgentError `not-done` with the kernel's reasons. */
export async function reverseBundle(context: AgentContext, bundleId: string, why: string): Promise<Outcome> {
  const { state, loader, transitionTimeoutMs, log } = context;
  const summary = statesFrom(await state.journal.read()).get(bundleId)?.summary;
  if (summary === undefined) throw new AgentError('unknown-bundle', `no bundle ${bundleId} is applied`);
  const stalls: (readonly StalledTask[])[] = [];
  await state.journal.append({ type: 'ReverseBegun', bundleId });
  try {
    const { transitionMs } = await loader.reverse(summary.module, {
      transitionTimeoutMs,
      unload: summary.reversible,
      onStall: (tasks) => void stalls.push(tasks),
    });
    await recordStalls(context, bundleId, stalls);
    await state.journal.append({ type: 'Reversed', bundleId, transitionMs });
    log(`reversed ${bundleId}: ${why}`);
    return { bundleId, result: 'reversed', transitionMs };
  } catch (error) {
    if (!(error instanceof LoaderError)) throw error;
    await recordStalls(context, bundleId, [...stalls, error.tasks]);
    const reasons = reasonsOf(error);
    log(`not reversed ${bundleId}: ${error.message}`);
    return { bundleId, result: 'refused', reasons };
  }
}

/** Records what turned out to have happened while the agent didn't look. */
export async function recordFound({ state, log }: AgentContext, record: NewRecord): Promise<void> {
  await state.journal.append(record);
  log(`found ${record.bundleId}: ${record.type}${record.type === 'Refused' ? `, ${record.reasons[0]?.reason}` : ''}`);
}

/** Who held the transition, as last seen. */
async function recordStalls(
  context: AgentContext,
  bundleId: string,
  stalls: readonly (readonly StalledTask[])[],
): Promise<void> {
  const told = stalls.findLast((tasks) => tasks.length > 0);
  if (told === undefined) return;
  const tasks = told.map(({ pid, name, stack }) => ({ pid, name, stack: [...stack] }));
  context.log(`${bundleId} was held by ${tasks.map(({ name, pid }) => `${name} (${pid})`).join(', ')}`);
  await context.state.journal.append({ type: 'Stalled', bundleId, tasks });
}

function titleOf({ summary }: Admitted): string {
  return summary.fixes.map(({ subject }) => subject).join('; ');
}
