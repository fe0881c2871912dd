import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { LeaseResponse, RunningKernel, TrustKeys, UpdatePreference } from '#libs/contracts';
import { TrustError, verifyLease } from '#libs/trust';
import type { MachineKey } from './adapters/machine-key.js';
import { type HeldLease, notRegistered } from './adapters/state-folder.js';
import { statesFrom } from './domain/bundle-state.js';
import { type AgentContext, feedAt } from './context.js';
import { AgentError } from './errors.js';
import { isTrustReason } from './refusal.js';
import { pinRoot } from './signed-metadata.js';

export interface RegistrationRequest {
  readonly url: string;
  /** Compact JWS, as the customer got it. */
  readonly license: string;
  readonly trust: TrustKeys;
  /** Takes another trust file than the one that is pinned. */
  readonly repin: boolean;
  /** Levels, unless it says otherwise. */
  readonly prefers?: UpdatePreference;
}

/** Makes the machine known to the service: pins the keys, makes the machine's own, shows the licence, gets a lease. */
export async function register(context: AgentContext, request: RegistrationRequest): Promise<void> {
  const { state, loader } = context;
  const pinned = await state.trust.read();
  if (pinned !== undefined && !request.repin && !isDeepStrictEqual(pinned, request.trust)) {
    const advice = 'make sure that the new file is genuine, then use --repin';
    throw new AgentError('trust-changed', 'other keys than these are pinned', advice);
  }
  const key = await state.machineKey(true);
  const kernel = await loader.runningKernel();
  const { url, license, prefers } = request;
  const hardware = await loader.hardware();
  const answer = await feedAt(url, key, context).enrol({
    license,
    hostname: hostname().slice(0, 253) || undefined,
    kernel,
    hardware,
  });
  await checkLease(answer, { trust: request.trust, key, kernel, at: context.now() });
  if (request.trust.root !== undefined) await pinRoot(context, url, request.trust.root);
  await state.trust.write(request.trust);
  await state.registration.write({ url, license, ...(prefers === undefined ? {} : { prefers }) });
  await state.lease.write({ at: context.now().toISOString(), kernel, answer });
  await retryUntrusted(context);
}

/** Bundles that were refused for their signature may be good under the keys that are pinned now. */
async function retryUntrusted({ state }: AgentContext): Promise<void> {
  for (const { bundleId, phase, reasons } of statesFrom(await state.journal.read()).values()) {
    if (phase === 'refused' && reasons.some(isTrustReason)) await state.journal.append({ type: 'Released', bundleId });
  }
}

/** Renewed when a third of its time is left, so that a service that is away for a day or two is no trouble. */
const renewAtShareLeft = 1 / 3;

/** The lease, renewed if it is about to end or was given for another kernel. @throws AgentError. */
export async function currentLease(context: AgentContext, kernel: RunningKernel): Promise<HeldLease> {
  const { state, now } = context;
  const registration = await state.registration.read();
  const held = await state.lease.read();
  const trust = await state.trust.read();
  if (registration === undefined || trust === undefined) throw notRegistered();
  const usable = held !== undefined && isDeepStrictEqual(held.kernel, kernel) ? held : undefined;
  if (usable !== undefined && shareLeft(usable, now()) > renewAtShareLeft) return usable;
  const key = await state.machineKey();
  const feed = feedAt(registration.url, key, context);
  try {
    const answer = await feed.renew(key.machineId, {
      license: registration.license,
      kernel,
      hardware: await context.loader.hardware(),
    });
    await checkLease(answer, { trust, key, kernel, at: now() });
    const renewed = { at: now().toISOString(), kernel, answer };
    await state.lease.write(renewed);
    return renewed;
  } catch (error) {
    // A lease that still holds, for this kernel, is used to its end.
    const isAway = error instanceof AgentError && error.code === 'service-unavailable';
    if (isAway && usable !== undefined && shareLeft(usable, now()) > 0) return usable;
    throw error;
  }
}

/** How much of its time a lease has left, 0 to 1; below 0 once it has ended. */
export function shareLeft({ at, answer }: HeldLease, now: Date): number {
  const ends = Date.parse(answer.expiresAt);
  return (ends - now.getTime()) / Math.max(1, ends - Date.parse(at));
}

interface LeaseGrounds {
  readonly trust: TrustKeys;
  readonly key: MachineKey;
  readonly kernel: RunningKernel;
  readonly at: Date;
}

/**
 * A lease that isn't signed by the pinned keys comes from somebody who only pretends to be the service. One that is over, or says
 * something else than the answer around it, is genuine and old: somebody shows it again.
 */
async function checkLease(answer: LeaseResponse, { trust, key, kernel, at }: LeaseGrounds): Promise<void> {
  if (answer.machineId !== key.machineId) throw new AgentError('malformed-answer', 'the lease is another machine’s');
  try {
    const lease = await verifyLease(answer.lease, trust, key, at);
    const sameEnd = Math.abs(Date.parse(lease.expiresAt) - Date.parse(answer.expiresAt)) <= 1000;
    if (sameEnd && lease.kernel.buildId === kernel.buildId && lease.kernel.release === kernel.release) return;
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause;
    if (cause.code === 'expired') throw replayed('it is over', cause);
    const advice =
      'this may not be your service, or its keys have changed: get its trust file again, by a way that you trust';
    throw new AgentError('untrusted', `the service's lease is not trusted: ${cause.message}`, advice, { cause });
  }
  throw replayed('it was given for another time or kernel');
}

function replayed(why: string, cause?: unknown): AgentError {
  const advice = 'see that this machine’s clock is right; if it is, somebody shows it old answers of the service';
  return new AgentError('lease-replayed', `the service's lease is an old one: ${why}`, advice, { cause });
}
