import { digestOf, type Reason, type RunningKernel } from '#libs/contracts';
import { LoaderError, type StalledTask } from '#libs/loader';
import { TufError } from '#libs/tuf';
import { type Admitted, admit, type Artefact } from './admission.js';
import { notRegistered } from './adapters/state-folder.js';
import { type BundleState, type BundleStates, isApplied, statesFrom } from './domain/bundle-state.js';
import { conflictsOf } from './domain/conflict.js';
import { fixIdsOf, reasonsAgainst } from './domain/level.js';
import { levelSituation, type Offer } from './domain/plan.js';
import type { BundleSummary, NewRecord } from './domain/record.js';
import { type AgentContext, feedAt } from './context.js';
import { endsWithCheckIn, isMetadataCode } from './domain/metadata-code.js';
import { AgentError } from './errors.js';
import { groundsOf } from './grounds.js';
import { reasonsOf, Refusal } from './refusal.js';
import { standingOffers } from './signed-metadata.js';

/** What became of one bundle. */
export type Outcome = { readonly bundleId: string } & (
  | { readonly result: 'applied' | 'reversed'; readonly transitionMs: number }
  | { readonly result: 'refused'; readonly reasons: readonly Reason[] }
);

/** Trouble before or after which something was done all the same. Code, message and advice are the trouble's. */
export class DoneInPart extends AgentError {
  private constructor(
    trouble: AgentError,
    readonly outcomes: readonly Outcome[],
  ) {
    super(trouble.code, trouble.message, trouble.advice, { cause: trouble });
  }

  /** An error as it is to be thrown where these things were done: itself where nothing was, or where it isn't the agent's own. */
  static orError(error: unknown, outcomes: readonly Outcome[]): unknown {
    return error instanceof AgentError && outcomes.length > 0 ? new DoneInPart(error, outcomes) : error;
  }
}

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
    if (admitted.summary.level !== undefined) await refuseLevel(context, bundleId, admitted.summary, kernel);
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
  if (error instanceof AgentError && !isMetadataCode(error.code)) throw error;
  return reasonsOf(error);
}

/** From the cache if it is there, else from the service. Checked whole each time: a disk is not to be trusted either. */
async function fetchAndAdmit(context: AgentContext, bundleId: string, kernel: RunningKernel): Promise<Admitted> {
  const { state } = context;
  const grounds = await groundsOf(context, kernel);
  const cached = await state.bundles.read(bundleId);
  const offers = (await state.offers.read())?.updates.bundles ?? [];
  const offer = offers.find((one) => one.bundleId === bundleId) ?? cached?.offer;
  if (offer === undefined) throw new AgentError('unknown-bundle', `the service offers no bundle ${bundleId}`);
  // It was staged here, so it had been let in.
  const wasAdmitted = statesFrom(await state.journal.read()).get(bundleId)?.summary !== undefined;
  const bring = async (artefact: Artefact): Promise<Buffer> => cached?.bytes ?? download(context, offer, artefact);
  try {
    return await admit({ offer, wasAdmitted, bring }, grounds);
  } catch (error) {
    if (isAgainstBytes(error)) await state.bundles.discard(bundleId);
    throw error;
  }
}

/** What is bad is not kept: the next try fetches it anew. What is only not vouched for now may be good tomorrow. */
function isAgainstBytes(error: unknown): boolean {
  if (error instanceof AgentError) return error.code === 'endless-data';
  if (error instanceof TufError) return error.code === 'wrong-target';
  return !(error instanceof Refusal && endsWithCheckIn(error.reasons));
}

async function download(context: AgentContext, offer: Offer, artefact: Artefact): Promise<Buffer> {
  const { state } = context;
  const registration = await state.registration.read();
  const lease = await state.lease.read();
  if (registration === undefined || lease === undefined) throw notRegistered();
  const feed = feedAt(registration.url, await state.machineKey(), context);
  const { bundleId } = offer;
  const vouched = { ...offer, artefact: { ...offer.artefact, ...artefact } };
  const fetch = async (): Promise<Buffer> => {
    await feed.download(vouched, lease.answer.lease, state.bundles.partial(bundleId));
    await state.bundles.keep(vouched);
    const fetched = await state.bundles.read(bundleId);
    if (fetched === undefined) throw Refusal.of('not-cached', 'it vanished after it was fetched');
    return fetched.bytes;
  };
  const isResumed = await state.bundles.isBegun(bundleId);
  const bytes = await fetch();
  if (!isResumed || digestOf(bytes) === artefact.sha256) return bytes;
  // The beginning came from somebody else: once more, from nothing, or whoever sent it would have spoilt this try too.
  await state.bundles.discard(bundleId);
  return fetch();
}

async function refuseConflicts({ state }: AgentContext, bundleId: string, { summary }: Admitted): Promise<void> {
  const states: BundleStates = statesFrom(await state.journal.read());
  const [first, ...more] = conflictsOf(bundleId, summary, states, await state.bootId());
  if (first !== undefined) throw new Refusal([first, ...more]);
}

/** Looked at in the signed manifest: the plan had only the service's word. */
async function refuseLevel(
  context: AgentContext,
  bundleId: string,
  summary: BundleSummary,
  { buildId }: RunningKernel,
): Promise<void> {
  const { state, loader } = context;
  const states = statesFrom(await state.journal.read());
  const offers = await standingOffers(context, states);
  const situation = levelSituation({ offers, states, bootId: await state.bootId(), buildId });
  const level = { bundleId, level: summary.level ?? 0, fixIds: new Set(fixIdsOf(summary)) };
  const [first, ...more] = reasonsAgainst(level, situation);
  if (first !== undefined) throw new Refusal([first, ...more]);
  const own = new Set([...states.values()].map((one) => one.summary?.module));
  const foreign = (await loader.loaded()).find(({ module }) => !own.has(module));
  if (foreign === undefined) return;
  const advice = `disable ${foreign.module} first, if its fixes are in the level`;
  throw Refusal.of('foreign-livepatch', `the level would drop ${foreign.module}, which is nobody’s here`, advice);
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
  const replaced = summary.level === undefined ? [] : await appliedBesides(context, bundleId);
  try {
    const { transitionMs } = await state.bundles.withModule(summary.module, module, async (file) =>
      loader.load(file, summary.module, {
        functions,
        transitionTimeoutMs,
        unload: summary.reversible,
        onStall: (tasks) => stalls.push(tasks),
        replaces: replaced.flatMap((one) => one.summary?.module ?? []),
      }),
    );
    await recordStalls(context, bundleId, stalls);
    await state.journal.append({ type: 'Applied', bundleId, transitionMs });
    for (const one of replaced) {
      await state.journal.append({ type: 'Replaced', bundleId: one.bundleId, by: bundleId });
      await discardReplaced(context, one);
    }
    return transitionMs;
  } catch (error) {
    await recordStalls(context, bundleId, error instanceof LoaderError ? [...stalls, error.tasks] : stalls);
    throw error;
  }
}

async function appliedBesides({ state }: AgentContext, bundleId: string): Promise<readonly BundleState[]> {
  const bootId = await state.bootId();
  const states = statesFrom(await state.journal.read());
  return [...states.values()].filter((one) => one.bundleId !== bundleId && isApplied(one, bootId));
}

/** The kernel is done with it; that its module takes up some kilobytes is no reason to fail. */
async function discardReplaced({ loader, log }: AgentContext, { bundleId, summary }: BundleState): Promise<void> {
  if (summary?.reversible !== true) return;
  try {
    await loader.discard(summary.module);
  } catch (error) {
    if (!(error instanceof LoaderError)) throw error;
    log(`the module of ${bundleId} stays: ${error.message}`);
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
export async function recordFound(context: AgentContext, record: NewRecord): Promise<void> {
  const { state, log } = context;
  await state.journal.append(record);
  const found = record.type === 'Replaced' ? statesFrom(await state.journal.read()).get(record.bundleId) : undefined;
  if (found !== undefined) await discardReplaced(context, found);
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
