import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Random } from '#libs/hostile';
import { ask, jsonOf } from './asking.js';
import { checkCatalog } from './checks/catalog-fold.js';
import { checkEntitlement, type EntitlementResult } from './checks/entitlement.js';
import { checkExactlyOnce, type OnceResult } from './checks/exactly-once.js';
import { checkFeed } from './checks/feed-fold.js';
import { checkLeases } from './checks/leases.js';
import { checkMachines } from './checks/machines.js';
import { checkMetadata } from './checks/metadata.js';
import { Crowd, type CrowdSize } from './crowd.js';
import { Fleet, type StageName } from './fleet.js';
import { checkHistory, type Entry, readLog } from './log.js';
import { Oracle } from './oracle.js';
import { Storm } from './storm.js';
import { describe, type Violation } from './violation.js';

export interface FaultRunOptions {
  readonly seed: string;
  readonly kills: number;
  /** Between two kills on average, in ms. */
  readonly meanGapMs: number;
  /** Of a thousand kills, how many wait until everything works again. */
  readonly patientPermille: number;
  /** After so many kills everything is let come to rest, and looked at. */
  readonly killsPerRound: number;
  readonly size: CrowdSize;
  readonly stages: readonly StageName[];
  readonly distDir: string;
  /** An empty folder; all of the run's state is below it. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** All that a run has to say. */
export interface FaultRunResult {
  readonly fleet: Fleet;
  readonly crowd: Crowd;
  readonly violations: readonly Violation[];
  readonly once: OnceResult;
  readonly entitlement: EntitlementResult;
  readonly entries: readonly Entry[];
  readonly tableRows: number;
}

const restMs = 240_000;
const repeatedWishes = 60;

/** Ends this process as `exit` does, so that it leaves no children behind. */
function interrupted(): void {
  process.exit(1);
}

/** Starts everything, kills it over and over under load, and looks between whether every promise was kept. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const fleet = await Fleet.start(join(options.folder, 'data'), options.distDir, options.stages);
  const abandon = (): void => fleet.abandon();
  process.once('exit', abandon);
  process.once('SIGTERM', interrupted);
  process.once('SIGINT', interrupted);
  let crowd: Crowd | undefined;
  try {
    crowd = await Crowd.gather(fleet, options.seed, options.size);
    const storm = new Storm(fleet, options.seed, options.meanGapMs, options.patientPermille);
    const random = new Random(options.seed, 'repetitions');
    let result: FaultRunResult | undefined;
    for (let done = 0; done < options.kills;) {
      const kills = Math.min(options.killsPerRound, options.kills - done);
      await storm.blow(kills);
      done += kills;
      await rest(fleet, crowd);
      const { carriedOut } = checkExactlyOnce((await readLog(fleet.broker)).entries, crowd.wishes);
      await crowd.repeatSome(random, repeatedWishes, carriedOut);
      await atRest(fleet, crowd);
      const seen = await look(fleet, crowd, options.folder, result?.entries ?? []);
      result = { ...seen, violations: joined(result?.violations ?? [], seen.violations, options.say) };
      options.say(
        `${done} of ${options.kills} kills, log at ${result.entries.length}, ${crowd.wishes.length} wishes, ` +
          `${crowd.given.length} times something was given, ${result.violations.length} violations`,
      );
      crowd.resume();
    }
    if (result === undefined) throw new RangeError('a run has kills');
    return result;
  } finally {
    await crowd?.leave();
    await fleet.stop();
    process.removeListener('exit', abandon);
    process.removeListener('SIGTERM', interrupted);
    process.removeListener('SIGINT', interrupted);
  }
}

/** What was wrong at any time, each thing once; new ones are told at once. */
function joined(
  before: readonly Violation[],
  now: readonly Violation[],
  say: (line: string) => void,
): readonly Violation[] {
  const known = new Set(before.map(({ check, what }) => `${check} ${what}`));
  const fresh = now.filter(({ check, what }) => !known.has(`${check} ${what}`));
  for (const one of fresh.slice(0, 10)) say(describe(one));
  return [...before, ...fresh];
}

/** Everybody stops, everything is up, and whatever was in hand comes to its end. */
async function rest(fleet: Fleet, crowd: Crowd): Promise<void> {
  await fleet.untilReady();
  await crowd.pause();
  await atRest(fleet, crowd);
}

/** No worker has anything before it, the log grows no more, and the catalog's tables show all of it. */
async function atRest(fleet: Fleet, { events }: Crowd): Promise<void> {
  const deadline = Date.now() + restMs;
  for (let quiet = 0; quiet < 3;) {
    const [last, backlog, shown] = await Promise.all([events.lastPosition(), events.backlog(), positionShown(fleet)]);
    await sleep(200);
    const isQuiet = backlog.every(({ waiting, inHand }) => waiting + inHand === 0) && shown === last;
    quiet = isQuiet && (await events.lastPosition()) === last ? quiet + 1 : 0;
    if (Date.now() > deadline) throw new Error(`no rest: ${JSON.stringify({ last, shown, backlog })}`);
  }
}

const statusSchema = z.object({ projection: z.object({ position: z.number() }) });

async function positionShown(fleet: Fleet): Promise<number> {
  const headers = { authorization: `Bearer ${fleet.adminToken}` };
  const answer = await ask(`${fleet.url('catalog')}/v1/status`, { headers }, 10_000);
  return statusSchema.safeParse(answer === undefined ? undefined : jsonOf(answer)).data?.projection.position ?? -1;
}

async function look(fleet: Fleet, crowd: Crowd, folder: string, before: readonly Entry[]): Promise<FaultRunResult> {
  const databaseFile = join(fleet.dataDir, 'catalog.sqlite');
  const feed = await checkFeed(fleet.victim('feed'), crowd.machines);
  const { entries, violations: ofLog } = await readLog(fleet.broker);
  const oracle = new Oracle(entries);
  const once = checkExactlyOnce(entries, crowd.wishes);
  const entitlement = checkEntitlement(crowd.given, oracle);
  const scratch = await mkdtemp(join(folder, 'fold-'));
  const catalog = await checkCatalog(crowd.events, crowd.blobs, databaseFile, scratch);
  await rm(scratch, { recursive: true, force: true });
  const letters = await crowd.events.deadLetters();
  const violations = [
    ...crowd.violations.filter(({ ofWish }) => ofWish === undefined || once.carriedOut.has(ofWish)),
    ...fleet.victims.flatMap(({ failures }) => failures.map((what): Violation => ({ check: 'process', what }))),
    ...ofLog,
    ...checkHistory(before, entries),
    ...letters.map((one): Violation => ({ check: 'dead-letter', what: `${one.worker}: ${one.reason}`, context: one })),
    ...once.violations,
    ...catalog.violations,
    ...feed,
    ...(crowd.drops?.check(entries) ?? []),
    ...entitlement.violations,
    ...checkLeases(entries, crowd.leases, oracle),
    ...(await checkMetadata(fleet.url('feed'), crowd.trust, entries, oracle)),
    ...(await checkMachines(entries, crowd.reports, databaseFile)),
  ];
  return { fleet, crowd, violations, once, entitlement, entries, tableRows: catalog.rows };
}
