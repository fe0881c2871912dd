import { derivedId, type UpdatesResponse } from '#libs/contracts';
import { notRegistered } from './adapters/state-folder.js';
import { statesFrom } from './domain/bundle-state.js';
import { type AgentContext, feedAt } from './context.js';
import { factOf, unreported } from './domain/facts.js';
import { AgentError } from './errors.js';
import { currentLease } from './registration.js';

/**
 * Asks the service what is new, and tells it what happened here: lease → reports → updates. What went wrong is remembered, so
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
  // A licence that ended stops the lease. Recalls are heard all the same, with the old one.
  const renewal = await settle(currentLease(context, kernel));
  await sendReports(context);
  const lease = 'value' in renewal ? renewal.value : await state.lease.read();
  if (lease === undefined) throw notRegistered();
  const held = await state.offers.read();
  const fresh = await feed.updates(key.machineId, lease.answer.lease, held?.etag);
  if (fresh !== undefined) await state.offers.write(fresh);
  await prune(context, fresh?.updates.bundles ?? held?.updates.bundles ?? []);
  if ('error' in renewal) throw renewal.error;
}

type Settled<T> = { readonly value: T } | { readonly error: AgentError };

async function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    if (error instanceof AgentError && error.code === 'license-refused') return { error };
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

/** Forgets the bytes of bundles that are neither offered nor wanted again at the next boot. */
async function prune({ state }: AgentContext, offers: UpdatesResponse['bundles']): Promise<void> {
  const wanted = [...statesFrom(await state.journal.read()).values()].filter(({ phase }) => phase === 'applied');
  await state.bundles.prune(new Set([...offers, ...wanted].map(({ bundleId }) => bundleId)));
}
