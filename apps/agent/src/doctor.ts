import { access, constants, statfs } from 'node:fs/promises';
import { boundedBody, exchange } from './adapters/http-exchange.js';
import type { AgentContext } from './context.js';
import { AgentError } from './errors.js';
import { shareLeft } from './registration.js';

/** One thing that has to be right before a patch can be applied. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

const enoughBytes = 64 * 1024 * 1024;
/** The service refuses proofs that are five minutes off. */
const maxSkewMs = 4 * 60_000;
const timeoutMs = 10_000;

/** Looks at everything that a patch will need, before one is there: all at once, changing nothing. */
export async function examine(context: AgentContext): Promise<Finding[]> {
  return [
    ...(await examineKernel(context)),
    await examineVerification(),
    await examineDisk(context),
    await examineRegistration(context),
    await examineService(context),
  ];
}

async function examineKernel({ loader }: AgentContext): Promise<Finding[]> {
  const obstacles = await loader.obstacles();
  const kernel = await loader.runningKernel().catch((error: unknown) => String(error));
  const known = typeof kernel !== 'string';
  const detail = known ? `${kernel.distro} ${kernel.release}, build ${kernel.buildId.slice(0, 12)}…` : kernel;
  return [
    { check: 'kernel', ok: known, detail },
    ...(obstacles.length === 0 ? [{ check: 'live patching', ok: true, detail: 'the kernel takes live patches' }] : []),
    ...obstacles.map(({ code, reason, advice }) => ({ check: code, ok: false, detail: reason, advice })),
  ];
}

async function examineVerification(): Promise<Finding> {
  const check = 'verification';
  // Loaded only here: the other verbs should start quickly.
  const { selfTest } = await import('./self-test/self-test.js');
  try {
    await selfTest();
    return { check, ok: true, detail: 'a bundle made to try it is let in, and refused with each kind of damage' };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { check, ok: false, detail: error.message, advice: error.advice };
  }
}

async function examineDisk({ state }: AgentContext): Promise<Finding> {
  const check = 'state folder';
  try {
    await access(state.folder, constants.R_OK | constants.W_OK);
    const { bavail, bsize } = await statfs(state.folder);
    const freeMb = Math.floor((bavail * bsize) / 1024 / 1024);
    if (bavail * bsize >= enoughBytes) return { check, ok: true, detail: `${state.folder}, ${freeMb} MB free` };
    return { check, ok: false, detail: `${state.folder} has ${freeMb} MB left`, advice: 'free some disk space' };
  } catch (error) {
    return { check, ok: false, detail: (error as Error).message, advice: 'register first, and run this as root' };
  }
}

async function examineRegistration({ state, now }: AgentContext): Promise<Finding> {
  const check = 'registration';
  const lease = await state.lease.read().catch(() => undefined);
  const trust = await state.trust.read().catch(() => undefined);
  if (lease === undefined || trust === undefined) {
    const advice = 'run `splicecast register --url URL --license FILE --trust FILE`';
    return { check, ok: false, detail: 'this machine is not registered', advice };
  }
  const { machineId, expiresAt, tier } = lease.answer;
  const detail = `machine ${machineId}, tier ${tier}, lease until ${expiresAt}`;
  if (shareLeft(lease, now()) > 0) return { check, ok: true, detail };
  return { check, ok: false, detail, advice: 'run `splicecast upgrade`; it says why the lease is not renewed' };
}

async function examineService({ state, now }: AgentContext): Promise<Finding> {
  const check = 'service';
  const registration = await state.registration.read().catch(() => undefined);
  if (registration === undefined) return { check, ok: false, detail: 'none is known', advice: 'register first' };
  const { url } = registration;
  try {
    const response = await exchange({ method: 'GET', url: `${url}/v1/trust/keys`, headers: {}, timeoutMs });
    await boundedBody(response, 1024 * 1024);
    const skewMs = Math.abs(Date.parse(response.headers.get('date') ?? '') - now().getTime());
    if (skewMs <= maxSkewMs || Number.isNaN(skewMs)) return { check, ok: true, detail: `${url} answers` };
    const detail = `this machine's clock is ${Math.round(skewMs / 1000)} s off the service's`;
    return {
      check,
      ok: false,
      detail,
      advice: 'set the clock: the service refuses requests that are five minutes off',
    };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { check, ok: false, detail: error.message, advice: error.advice };
  }
}
