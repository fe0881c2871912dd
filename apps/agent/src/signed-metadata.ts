import { createHash } from 'node:crypto';
import {
  bundleTargetName,
  channelOf,
  maxRecallListBytes,
  recallListPath,
  recallListSchema,
  type RunningKernel,
} from '#libs/contracts';
import {
  HttpFetcher,
  initialise,
  MemoryStore,
  type TargetFile,
  TufError,
  type Update,
  update,
  verifyTarget,
} from '#libs/tuf';
import { type PinnedRoot, VouchedFetcher, type VouchedState } from './adapters/metadata-folder.js';
import type { AgentContext } from './context.js';
import { metadataAdvice, type MetadataCode, metadataCodeOf } from './domain/metadata-code.js';
import type { BundleStates } from './domain/bundle-state.js';
import type { Offer } from './domain/plan.js';
import { type Recalls, withSignedRecalls } from './domain/recalls.js';
import type { Status } from './domain/status.js';
import { AgentError } from './errors.js';

/** A state of the signed metadata that stands, from the pinned root down. */
export interface SignedMetadata {
  /** When it was newest. */
  readonly at: Date;
  /** From then on it vouches for nothing new. */
  readonly freshUntil: Date;
  readonly recalls: Recalls;
  /** @throws TufError `unknown-target`, or what is wrong with a role on the way. */
  find(path: string): Promise<TargetFile>;
}

/** `debian-x86_64/6.1.0-54-amd64/<id>.tar.gz`: what a bundle for a kernel is called. */
export function targetPathOf(kernel: RunningKernel, bundleId: string): string {
  return `${channelOf(kernel)}/${kernel.release}/${bundleTargetName(bundleId)}`;
}

/** Fetches the root that is pinned, if it isn't here yet. @throws AgentError `wrong-root` and other codes of the metadata. */
export async function pinRoot(context: AgentContext, url: string, pin: PinnedRoot): Promise<void> {
  const store = context.state.metadata(pin);
  if ((await store.read('root')) !== undefined) return;
  await said(async () => {
    const bytes = await mirrorAt(url, context).fetch('1.root.json', { maxBytes: pin.length });
    if (bytes === undefined) throw new TufError('withheld', 'the service has no 1.root.json');
    refuseOtherRoot(bytes, pin);
    await initialise(store, bytes);
  });
}

/**
 * Brings the signed metadata up to date, down to the roles of this kernel, and keeps it if it is whole and stands. Whatever fails leaves
 * the state that was kept before, and what the client has seen is remembered all the same: it never goes back.
 * @throws AgentError with the code of the attack that the failure would be.
 */
export async function refreshMetadata(
  context: AgentContext,
  url: string,
  pin: PinnedRoot,
  kernel: RunningKernel,
): Promise<void> {
  await pinRoot(context, url, pin);
  await said(async () => {
    const store = context.state.metadata(pin);
    const held = await store.vouched().catch(() => undefined);
    const now = noEarlierThan(held, context.now());
    const targets = new HttpFetcher(`${url}/tuf/targets/`, context.httpLimits);
    const newest = await update({ store, metadata: mirrorAt(url, context), targets }, now.getTime());
    const recalls = await bringRecalls(newest, held);
    await bringRoles(newest, kernel);
    const state = await store.collect(now.toISOString(), newest.trusted.root.version, recalls);
    await openState(state, pin, now);
    await store.keep(state);
  });
}

/**
 * What is kept, verified again from the pinned root: no network, and no trust in the disk.
 * @param asOf `now`, for what is new: expired metadata vouches for none of it (freeze). `then`, for what was admitted before, and for
 *   recalls: what has been said once holds for ever.
 * @returns undefined where nothing is kept yet. @throws TufError, AgentError.
 */
export async function keptMetadata(
  { state, now }: AgentContext,
  pin: PinnedRoot,
  asOf: 'now' | 'then',
): Promise<SignedMetadata | undefined> {
  const kept = await state.metadata(pin).vouched();
  if (kept === undefined) return undefined;
  return openState(kept, pin, asOf === 'now' ? noEarlierThan(kept, now()) : new Date(kept.at));
}

/** What the service offers, with the recalls that are signed in the place of its own, where a root is pinned. */
export async function standingOffers(context: AgentContext, states: BundleStates): Promise<readonly Offer[]> {
  const offers = (await context.state.offers.read())?.updates.bundles ?? [];
  const pin = (await context.state.trust.read())?.root;
  return pin === undefined ? offers : withSignedRecalls(offers, await recallsUnder(context, pin), states);
}

/** What was withdrawn once stays so, however old the state is that says it. */
async function recallsUnder(context: AgentContext, pin: PinnedRoot): Promise<Recalls> {
  try {
    return (await keptMetadata(context, pin, 'then'))?.recalls ?? new Map();
  } catch (cause) {
    // Spoilt on the disk: nothing is admitted on it, and the next check-in brings it again.
    if (cause instanceof TufError || cause instanceof AgentError) return new Map();
    throw cause;
  }
}

/** What there is to say of it to people; where what is kept doesn't stand, only which root is pinned. */
export async function metadataStanding(context: AgentContext): Promise<NonNullable<Status['metadata']> | undefined> {
  const trust = await context.state.trust.read();
  if (trust === undefined) return undefined;
  if (trust.root === undefined) return {};
  const root = trust.root.sha256;
  try {
    const kept = await keptMetadata(context, trust.root, 'then');
    if (kept === undefined) return { root };
    return { root, at: kept.at.toISOString(), freshUntil: kept.freshUntil.toISOString() };
  } catch (cause) {
    if (cause instanceof TufError || cause instanceof AgentError) return { root };
    throw cause;
  }
}

async function openState(kept: VouchedState, pin: PinnedRoot, at: Date): Promise<SignedMetadata> {
  const [first = Buffer.alloc(0)] = kept.roots;
  refuseOtherRoot(first, pin);
  const store = new MemoryStore();
  await initialise(store, first);
  const mirror = new VouchedFetcher(kept);
  const opened = await update({ store, metadata: mirror, targets: mirror }, at.getTime());
  verifyTarget(recallListPath, kept.recalls, await opened.find(recallListPath));
  const { root, timestamp, snapshot, targets } = opened.trusted;
  const ends = [root, timestamp, snapshot, targets].map(({ expiresMs }) => expiresMs);
  return {
    at: new Date(kept.at),
    freshUntil: new Date(Math.min(...ends)),
    recalls: recallsIn(kept.recalls),
    find: async (path) => opened.find(path),
  };
}

/** A clock that was set back makes nothing fresh again. */
function noEarlierThan(kept: VouchedState | undefined, now: Date): Date {
  return kept === undefined ? now : new Date(Math.max(now.getTime(), Date.parse(kept.at)));
}

async function bringRecalls(newest: Update, held: VouchedState | undefined): Promise<Buffer> {
  const file = await newest.find(recallListPath);
  if (file.length > maxRecallListBytes) {
    throw new TufError('endless-data', `the list of recalls has ${file.length} bytes`);
  }
  if (held !== undefined && isTarget(held.recalls, file)) return held.recalls;
  const bytes = await newest.download(recallListPath);
  recallsIn(bytes);
  return bytes;
}

function isTarget(bytes: Buffer, file: TargetFile): boolean {
  try {
    verifyTarget(recallListPath, bytes, file);
    return true;
  } catch {
    return false;
  }
}

/** Loads the roles that may speak for this kernel's bundles, by looking for one that nobody vouches for. */
async function bringRoles(newest: Update, kernel: RunningKernel): Promise<void> {
  try {
    await newest.find(targetPathOf(kernel, 'none'));
  } catch (cause) {
    if (!(cause instanceof TufError) || cause.code !== 'unknown-target') throw cause;
  }
}

/** @throws AgentError `malformed-recalls`. */
function recallsIn(bytes: Buffer): Recalls {
  try {
    const { recalls } = recallListSchema.parse(JSON.parse(bytes.toString('utf8')));
    return new Map(recalls.map(({ bundleId, at: _at, ...recall }) => [bundleId, recall]));
  } catch (cause) {
    throw metadataError('malformed-recalls', 'the list of recalls makes no sense', cause);
  }
}

/** Arbitrary installation: trust begins at the root that the operator handed over, whatever the service serves as one. */
function refuseOtherRoot(bytes: Uint8Array, { sha256, length }: PinnedRoot): void {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (bytes.length === length && found === sha256) return;
  throw metadataError('wrong-root', `the first root is ${found}, and ${sha256} is pinned`);
}

function mirrorAt(url: string, { httpLimits }: AgentContext): HttpFetcher {
  return new HttpFetcher(`${url}/tuf/metadata/`, httpLimits);
}

/** Says what libs/tuf finds in this agent's words. */
async function said(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof TufError)) throw cause;
    const code = metadataCodeOf(cause.code);
    if (code !== undefined) throw metadataError(code, cause.message, cause);
    const advice = 'nothing is wrong with this machine; it is tried again';
    throw new AgentError('service-unavailable', cause.message, advice, { cause });
  }
}

function metadataError(code: MetadataCode, message: string, cause?: unknown): AgentError {
  return new AgentError(code, `signed metadata: ${message}`, metadataAdvice[code], { cause });
}
