import type { LoadedPatch } from '#libs/loader';
import { applyBundle, DoneInPart, type Outcome, recordFound, reverseBundle } from './applying.js';
import { checkIn, sendReports } from './check-in.js';
import { type BundleState, type BundleStates, isApplied, statesFrom } from './domain/bundle-state.js';
import { unreported } from './domain/facts.js';
import { plan, type Verdict } from './domain/plan.js';
import { recover } from './domain/recover.js';
import { type Status, statusOf } from './domain/status.js';
import type { AgentContext } from './context.js';
import { AgentError } from './errors.js';
import { isTrustReason } from './refusal.js';
import { register, type RegistrationRequest } from './registration.js';
import { metadataStanding, standingOffers } from './signed-metadata.js';

/** Which bundles a verb is about. */
export type Selection = 'all' | readonly string[];

/** The agent: every public method is one undertaking, done under the lock, from what is on the disk and in the kernel. */
export class Agent {
  constructor(private readonly context: AgentContext) {}

  async register(request: RegistrationRequest): Promise<Status> {
    return this.undertake(async () => {
      await register(this.context, request);
    });
  }

  /** Asks the service and does what follows. @throws AgentError where the service has trouble; DoneInPart where something could be done all the same. */
  async upgrade(): Promise<Outcome[]> {
    return this.undertakeWith(async () => {
      const problem = await caught(checkIn(this.context));
      const outcomes = await this.carryOut('all');
      if (problem !== undefined) throw DoneInPart.orError(problem, outcomes);
      return outcomes;
    });
  }

  /** Does what is left to do with what is known: after a boot, before there is a network. */
  async resume(): Promise<Outcome[]> {
    return this.undertakeWith(async () => this.carryOut('all'));
  }

  /** Asks the service, applies nothing. */
  async refresh(): Promise<Status> {
    return this.undertake(async () => checkIn(this.context));
  }

  /** Applies these bundles, also ones that were taken back or refused before. @throws AgentError `held` for one that crashed the machine. */
  async apply(selection: Selection): Promise<Outcome[]> {
    return this.undertakeWith(async () => {
      const problem = await caught(checkIn(this.context));
      if (selection !== 'all') {
        for (const bundleId of selection) await this.release(bundleId);
      }
      const outcomes = await this.carryOut(selection);
      if (problem !== undefined && outcomes.length === 0) throw problem;
      return outcomes;
    });
  }

  /**
   * Takes bundles back, and holds them so that nothing brings them in again before somebody says so. What a level had replaced comes
   * back in its stead.
   */
  async remove(selection: Selection): Promise<Outcome[]> {
    return this.undertakeWith(async () => {
      const { states, bootId } = await this.recovered();
      const applied = [...states.values()].filter((state) => isApplied(state, bootId)).map(({ bundleId }) => bundleId);
      const chosen = selection === 'all' ? applied.toReversed() : selection;
      const strange = chosen.find((bundleId) => !applied.includes(bundleId));
      if (strange !== undefined) throw new AgentError('unknown-bundle', `${strange} is not applied`);
      const reason = 'it was removed by the operator';
      const hold = async (bundleId: string): Promise<void> =>
        this.context.state.journal.append({ type: 'Held', bundleId, by: 'operator', reason });
      const replaced = [...states.values()].filter(({ phase }) => phase === 'replaced');
      // Whoever wants nothing doesn't want what was there before a level either.
      if (selection === 'all') for (const { bundleId } of replaced) await hold(bundleId);
      const outcomes: Outcome[] = [];
      for (const bundleId of chosen) {
        await hold(bundleId);
        outcomes.push(await reverseBundle(this.context, bundleId, reason));
      }
      const before = replaced.filter(({ replacedBy }) => chosen.includes(replacedBy ?? ''));
      outcomes.push(...(await this.restore(before.map(({ bundleId }) => bundleId))));
      await caught(sendReports(this.context));
      return outcomes;
    });
  }

  async hold(bundleId: string, reason: string): Promise<Status> {
    return this.undertake(async () => {
      await this.mustKnow(bundleId);
      await this.context.state.journal.append({ type: 'Held', bundleId, by: 'operator', reason });
    });
  }

  async unhold(bundleId: string): Promise<Status> {
    return this.undertake(async () => {
      await this.mustKnow(bundleId);
      await this.context.state.journal.append({ type: 'Released', bundleId });
    });
  }

  /** What the journal and the service say of a bundle, and what follows. @throws AgentError `unknown-bundle`. */
  async explain(bundleId: string): Promise<{ state?: BundleState; verdict?: Verdict }> {
    const { states } = await this.recovered();
    const verdict = (await this.plan(states)).find((one) => one.bundleId === bundleId);
    const state = states.get(bundleId);
    if (state === undefined && verdict === undefined) throw unknownBundle(bundleId);
    return { state, verdict };
  }

  /** Live patches that are in the kernel now. */
  async loaded(): Promise<LoadedPatch[]> {
    return this.context.loader.loaded();
  }

  async status(): Promise<Status> {
    const { state, loader, now } = this.context;
    const { states, bootId } = await this.recovered();
    const lease = await state.lease.read();
    return statusOf({
      at: now(),
      bootId,
      states,
      verdicts: await this.plan(states),
      kernel: await loader.runningKernel().catch(() => undefined),
      vendorVersion: await loader.vendorVersion(),
      machineId: lease?.answer.machineId,
      service: (await state.registration.read())?.url,
      tier: lease?.answer.tier,
      leaseEnds: lease?.answer.expiresAt,
      lastCheckIn: await state.checkIn.read(),
      hearing: await state.hearing.read(),
      metadata: await metadataStanding(this.context),
      reportsWaiting: unreported(await state.journal.read(), (await state.reported.read())?.seq ?? 0).length,
      obstacles: (await loader.obstacles()).map(({ code, reason, advice }) => ({ code, reason, advice })),
      isTrust: isTrustReason,
    });
  }

  private async carryOut(selection: Selection): Promise<Outcome[]> {
    const { loader } = this.context;
    const [obstacle] = await loader.obstacles();
    if (obstacle !== undefined) {
      const code = obstacle.code === 'not-permitted' ? 'not-permitted' : 'unsupported-kernel';
      throw new AgentError(code, obstacle.reason, obstacle.advice);
    }
    const kernel = await loader.runningKernel();
    const { states } = await this.recovered();
    const verdicts = (await this.plan(states)).filter(
      ({ bundleId }) => selection === 'all' || selection.includes(bundleId),
    );
    if (selection !== 'all') for (const bundleId of selection) refuseUnknown(bundleId, verdicts);
    const outcomes: Outcome[] = [];
    try {
      for (const { bundleId, action, reasons } of verdicts) {
        if (action === 'reverse') {
          outcomes.push(await reverseBundle(this.context, bundleId, reasons.map(({ reason }) => reason).join('; ')));
        }
        const asked = selection !== 'all' && reasons.some(({ code }) => code === 'in-held-level');
        if (action === 'apply' || asked) outcomes.push(await applyBundle(this.context, bundleId, kernel));
        if (outcomes.length > 0) await caught(sendReports(this.context));
      }
      return outcomes;
    } catch (error) {
      throw DoneInPart.orError(error, outcomes);
    }
  }

  /** Of these, those that the plan wants in the kernel now. */
  private async restore(bundleIds: readonly string[]): Promise<Outcome[]> {
    if (bundleIds.length === 0) return [];
    const kernel = await this.context.loader.runningKernel();
    const { states } = await this.recovered();
    const outcomes: Outcome[] = [];
    for (const { bundleId, action } of await this.plan(states)) {
      if (action !== 'apply' || !bundleIds.includes(bundleId)) continue;
      outcomes.push(await applyBundle(this.context, bundleId, kernel));
    }
    return outcomes;
  }

  private async plan(states: BundleStates): Promise<Verdict[]> {
    const { state, loader, now } = this.context;
    const offers = await standingOffers(this.context, states);
    const kernel = await loader.runningKernel().catch(() => undefined);
    return plan({ offers, states, bootId: await state.bootId(), buildId: kernel?.buildId ?? '', at: now() });
  }

  /** The journal, made true again. Read without the lock it is only looked at. */
  private async recovered(): Promise<{ states: BundleStates; bootId: string }> {
    const { state, loader, now } = this.context;
    const bootId = await state.bootId();
    const records = await state.journal.read();
    const missing = recover(statesFrom(records), bootId, await loader.loaded());
    const at = now().toISOString();
    return {
      states: statesFrom([...records, ...missing.map((record) => ({ ...record, seq: 1, at, bootId }))]),
      bootId,
    };
  }

  /** Lets a bundle in again that was taken back or refused. One that took the machine down needs a word of its own. */
  private async release(bundleId: string): Promise<void> {
    const { states } = await this.recovered();
    const state = states.get(bundleId);
    if (state?.hold?.by === 'crash') {
      throw new AgentError(
        'held',
        `${bundleId}: ${state.hold.reason}`,
        `\`splicecast unhold ${bundleId}\` lets it in again`,
      );
    }
    if (state?.hold !== undefined || state?.phase === 'refused') {
      await this.context.state.journal.append({ type: 'Released', bundleId });
    }
  }

  private async mustKnow(bundleId: string): Promise<void> {
    const { states } = await this.recovered();
    const offers = (await this.context.state.offers.read())?.updates.bundles ?? [];
    if (!states.has(bundleId) && !offers.some((offer) => offer.bundleId === bundleId)) throw unknownBundle(bundleId);
  }

  private async undertake(work: () => Promise<void>): Promise<Status> {
    await this.undertakeWith(work);
    return this.status();
  }

  /** Takes the lock, writes what happened behind the agent's back into the journal, works, and leaves a status for monitoring. */
  private async undertakeWith<T>(work: () => Promise<T>): Promise<T> {
    const { state, loader } = this.context;
    return state.exclusively(async () => {
      await state.journal.tidy((await state.reported.read())?.seq ?? 0);
      const missing = recover(statesFrom(await state.journal.read()), await state.bootId(), await loader.loaded());
      for (const record of missing) await recordFound(this.context, record);
      try {
        return await work();
      } finally {
        await state.status.write(await this.status());
      }
    });
  }
}

function refuseUnknown(bundleId: string, verdicts: readonly Verdict[]): void {
  if (!verdicts.some((verdict) => verdict.bundleId === bundleId)) throw unknownBundle(bundleId);
}

function unknownBundle(bundleId: string): AgentError {
  const advice = '`splicecast show --available` lists what there is';
  return new AgentError('unknown-bundle', `there is no bundle ${bundleId} for this machine`, advice);
}

/** Trouble of the service's own, to be told after what can be done without it. Anything else is thrown at once. */
async function caught(work: Promise<unknown>): Promise<AgentError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'broken-state') return error;
    throw error;
  }
}
