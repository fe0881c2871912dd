import { derivedId } from '#libs/contracts';
import { notRegistered } from './adapters/state-folder.js';
import { statesFrom } from './domain/bundle-state.js';
import { type AgentContext, feedAt } from './context.js';
import { factOf, unreported } from './domain/facts.js';
import { AgentError, licenseRefused } from './errors.js';
import type { FeedService } from './ports.js';
import { currentLease } from './registration.js';
import { refreshMetadata, standingOffers } from './signed-metadata.js';

/**
 * Asks the service what is new, and tells it what happened here: lease → reports → updates → signed metadata. What went wrong is remembered, so
 * that `status` can say it, and thrown.
 * @throws AgentError.
 */
export async function checkIn(context: AgentContext): Promise<void> {
  const at = context.now().toISOString();
  try {
    await askService(context);
    await context.state.checkIn.write({ at });
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'not-registered') {
      const { code, message: reason, advice } = error;
      await context.state.checkIn.write({ at, problem: { code, reason, ...(advice === undefined ? {} : { advice }) } });
    }
    throw error;
  }
}

async function askService(context: AgentContext): Promise<void> {
  const { state, loader } = context;
  const registration = await state.registration.read();
  if (registration === undefined) throw notRegistered();
  const key = await state.machineKey();
  const feed = feedAt(registration.url, key, context);
  const kernel = await loader.runningKernel();
  // What goes wrong with one part keeps no other from being done: recalls are heard without a licence, and without a lease.
  const renewal = await settle(currentLease(context, kernel));
  const reports = await settle(sendReports(context));
  const lease = 'value' in renewal ? renewal.value : await state.lease.read();
  if (lease === undefined) throw notRegistered();
  const offers = await settle(newOffers(context, feed, key.machineId));
  const root = (await state.trust.read())?.root;
  // After the offers, so that the state that is fetched knows them.
  const metadata =
    root === undefined ? undefined : await settle(refreshMetadata(context, registration.url, root, kernel));
  await prune(context);
  for (const part of [metadata, offers, renewal, reports]) if (part !== undefined && 'error' in part) throw part.error;
  await heedWithheld(context);
}

/** By its lease the machine can't know that the licence was revoked since, and would take "nothing new" for "all is well". */
async function heedWithheld({ state }: AgentContext): Promise<void> {
  const [withheld] = (await state.offers.read())?.updates.withheld ?? [];
  if (withheld !== undefined) throw licenseRefused(withheld.code, withheld.reason);
}

async function newOffers(context: AgentContext, feed: FeedService, machineId: string): Promise<void> {
  const { state } = context;
  const held = await state.offers.read();
  const { prefers } = (await state.registration.read()) ?? {};
  const fresh = await feed.updates(machineId, held?.etag, prefers);
  if (fresh !== undefined) await state.offers.write(fresh);
}

type Settled<T> = { readonly value: T } | { readonly error: AgentError };

/** Trouble of the service's, to be told later; this machine's own is thrown at once. */
async function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'broken-state' && error.code !== 'not-registered')
      return { error };
    throw error;
  }
}

/**
 * Tells the service what the journal has that it hasn't heard of. A report's id follows from its record: sent again because the
 * answer was lost, it is recorded once. One that the service refuses for good is passed over, so that the others get through.
 * @throws AgentError `service-unavailable`; the rest is sent next time.
 */
export async function sendReports(context: AgentContext): Promise<void> {
  const { state, log } = context;
  const registration = await state.registration.read();
  if (registration === undefined) return;
  const key = await state.machineKey();
  const feed = feedAt(registration.url, key, context);
  const reported = (await state.reported.read())?.seq ?? 0;
  for (const record of unreported(await state.journal.read(), reported)) {
    const fact = factOf(record, key.machineId);
    const reportId = derivedId(key.machineId, JSON.stringify(record));
    try {
      if (fact !== undefined) await feed.report(key.machineId, { reportId, facts: [fact] });
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'service-refused') throw error;
      log(`a report was not taken: ${error.message}`);
    }
    await state.reported.write({ seq: record.seq });
  }
}

/** Forgets the bytes of bundles that are neither offered nor wanted again at the next boot, and of those that were withdrawn. */
async function prune(context: AgentContext): Promise<void> {
  const { state } = context;
  const states = statesFrom(await state.journal.read());
  const offers = await standingOffers(context, states);
  // What a level replaced comes back if the level goes.
  const wanted = [...states.values()].filter(
    ({ phase, replacedBy }) =>
      phase === 'applied' || (phase === 'replaced' && states.get(replacedBy ?? '')?.phase === 'applied'),
  );
  const kept = [...offers.filter(({ recalled }) => recalled === undefined), ...wanted];
  await state.bundles.prune(new Set(kept.map(({ bundleId }) => bundleId)));
}
