import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { kernelOfPackage } from '#libs/guest';
import { GitTreeStore } from '#libs/trees';
import { type CachedPackage, download, findKernelStep } from '#libs/apt';
import { canary, canaryPatch } from '../../tools/demo/canary.js';
import { Machine } from '../../tools/demo/machine.js';
import { Progress } from '../../tools/demo/progress.js';
import { ServiceProcess } from '../../tools/demo/service-process.js';
import * as stages from '../../tools/demo/stages.js';
import { attacks, HostileMirror } from './hostile-mirror.js';
import { cmdline, cmdlinePatch, livePatchesIn, refusedLevel, reported, rival, signedLevel } from './levels.js';
import { edits, makeDrops } from './source-drops.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(project, 'data', 'cache');
const progress = new Progress();
const testTimeoutMs = 15 * 60_000;

const product = 'debian-linux-6-1';

let scratch: string;
let service: ServiceProcess;
let machine: Machine | undefined;
let packages: { source: CachedPackage; image: CachedPackage; headers: readonly CachedPackage[] };

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-pipeline-'));
  const step = await findKernelStep('6.1');
  const [source, image, ...headers] = await Promise.all(
    [step.from, step.image, ...step.headers].map((one) => download(one, cacheDir)),
  );
  if (source === undefined || image === undefined) throw new Error('the archive gave no source or image');
  packages = { source, image, headers };
  service = await ServiceProcess.start(join(scratch, 'state'), { distDir: join(project, 'dist') });
}, testTimeoutMs);

afterAll(async () => {
  machine?.kill();
  await service?.stop();
  await rm(scratch, { recursive: true, force: true });
});

it(
  'takes fixes from a source drop to a stock kernel that keeps running',
  async () => {
    const { client } = service;
    const { source, image, headers } = packages;
    const kernel = await kernelOfPackage(image.file);

    // Drops become commits.
    const drops = await makeDrops(source, cacheDir, scratch);
    const cached = (file: string, version: string): CachedPackage => ({
      ...source,
      file,
      version,
      fileName: file.split('/').at(-1) ?? '',
    });
    const olderId = await stages.sendDrop(client, cached(drops.older, drops.versions[0]), product, progress);
    const newerId = await stages.sendDrop(client, cached(drops.newer, drops.versions[1]), product, progress, olderId);
    const kernelId = await stages.sendKernel(client, image, headers, olderId, progress);
    const older = await stages.unpackedDrop(client, olderId, progress, drops.versions[0]);
    const series = await stages.splitDrop(client, newerId, progress);
    expect(series).toMatchObject({ filesChanged: 3, attributed: 2, remainders: 1 });
    expect(series.proof?.replayedTree).toBe(series.tree);
    await stages.importedKernel(client, kernelId, progress);

    // Commits become live patches, or are refused with the reason.
    const trees = new GitTreeStore(join(scratch, 'state', 'trees.git'));
    const version = await trees.readFile(older.tree ?? '', canary.path);
    const fixes = await stages.buildFixes(
      client,
      [
        { kernelId, patch: { subject: canary.subject, text: canaryPatch(version?.toString('latin1') ?? '') } },
        { kernelId, dropId: newerId, select: { limit: 10 } },
      ],
      progress,
    );
    const bySubject = new Map(fixes.map((fix) => [fix.subject, fix]));
    expect(bySubject.get(canary.subject)).toMatchObject({
      state: 'built',
      functions: [{ symbol: 'version_proc_show' }],
    });
    expect(bySubject.get(edits.loadavg.subject)).toMatchObject({
      state: 'built',
      functions: [{ symbol: 'loadavg_proc_show' }],
    });
    const refused = fixes.find((fix) => fix.subject.startsWith(edits.init.subject));
    expect(refused).toMatchObject({ state: 'refused', cves: ['CVE-2026-99999'] });
    expect(refused?.reasons).not.toEqual([]);
    const bundles = await stages.signedBundles(client, fixes, progress);
    expect(bundles).toHaveLength(2);

    // A running machine gets them pushed.
    const license = await stages.issueTrial(client, progress);
    machine = await Machine.boot({
      client,
      kernel,
      shareDir: join(scratch, 'share'),
      project,
      licenseToken: license.token,
    });
    const before = await machine.probe();
    expect(before.patched).toBe(false);
    expect(await machine.read('/proc/loadavg')).not.toContain(edits.loadavg.sees);
    const canaryBundle = stages.bundleOf(bundles, fixes, canary.subject);
    await attacksThatFail(machine, canaryBundle);
    const machineId = await machine.startAgent();
    await stages.promote(client, bundles);
    const bar = progress.begin('push');
    const settled = await stages.settledMachine(client, machineId, bundles, bar);
    expect(settled.held).toEqual([]);
    expect(settled.applied.toSorted()).toEqual(bundles.map((one) => one.bundleId).toSorted());

    const after = await machine.probe();
    expect(after).toMatchObject({ patched: true, bootId: before.bootId });
    expect(await machine.read('/proc/loadavg')).toContain(edits.loadavg.sees);
    const view = await machine.view(machineId);
    expect(view.effectiveKernel).toMatch(
      new RegExp(`^${source.version.replaceAll('.', '\\.')}\\+live\\.2\\.[0-9a-f]{8}$`),
    );
    expect((await machine.agent('uname')).trim()).toBe(view.effectiveKernel);

    await levelsInsteadOfSingles(kernelId, older.tree ?? '', bundles, machineId);

    // Each is reversed by itself.
    const { bundleId } = stages.bundleOf(bundles, fixes, canary.subject);
    await machine.agent(`remove ${bundleId}`);
    const reversed = await machine.probe();
    await stages.reversedOn(client, machineId, bundleId);
    expect((await machine.view(machineId)).effectiveKernel).toContain('+live.1.');
    expect(reversed).toMatchObject({ patched: false, bootId: before.bootId });
    expect(reversed.uptimeSec).toBeGreaterThan(after.uptimeSec);
    expect(await machine.read('/proc/loadavg')).toContain(edits.loadavg.sees);
    await machine.powerOff();
    machine = undefined;
  },
  testTimeoutMs,
);

/** Attacks on a machine's way to the service: each is refused by its own code, and the kernel stays what it was. */
async function attacksThatFail(target: Machine, bundle: stages.Bundle): Promise<void> {
  const mirror = await HostileMirror.start(service.client.url);
  try {
    await target.register(mirror.port);
    await stages.promote(service.client, [bundle]);
    for (const { attack, code, tamper } of attacks) {
      mirror.attack = tamper;
      const output = await target.tryAgent('upgrade --json');
      expect([attack, output]).toEqual([attack, expect.stringContaining(`"${code}"`)]);
      expect((await target.probe()).patched).toBe(false);
    }
    expect(await target.tryAgent('status --json')).toContain('"wrong-target"');
    // What is known against the bytes that came isn't known against the bundle.
    await target.agent(`unhold ${bundle.bundleId}`);
  } finally {
    await mirror.stop();
  }
}

/** The same state for each of these bundles. */
const states = (ids: readonly string[], state: string): Record<string, string> =>
  Object.fromEntries(ids.map((id) => [id, state]));

/** Two levels, one after the other, take the place of what was before them, are proven, can't be rolled back, and give it back. */
async function levelsInsteadOfSingles(
  kernelId: string,
  baseTree: string,
  bundles: readonly stages.Bundle[],
  machineId: string,
): Promise<void> {
  const { client } = service;
  if (machine === undefined) throw new Error('no machine runs');
  const guest = machine;
  const livePatches = async (): Promise<readonly string[]> => livePatchesIn(await guest.read('/proc/modules'));
  const effects = async () => ({
    canary: (await guest.probe()).patched,
    loadavg: (await guest.read('/proc/loadavg')).includes(edits.loadavg.sees),
    cmdline: (await guest.read('/proc/cmdline')).includes(cmdline.sees),
  });
  const singles = bundles.map((one) => one.bundleId);
  const singleFixes = bundles.map((one) => one.fixId);
  const before = await livePatches();
  expect(before).toHaveLength(2);

  const first = await signedLevel(client, { kernelId, fixIds: singleFixes });
  expect(first).toMatchObject({ level: 1, state: 'built', functions: 2, leftOut: [] });
  await client.post(`/v1/bundles/${first.bundleId}/promote`, { tier: 'stable' }, z.unknown());
  await reported(client, machineId, { [first.bundleId]: 'applied', ...states(singles, 'replaced') });
  expect(await livePatches()).toEqual(['splicecast_level_1']);
  expect(await effects()).toEqual({ canary: true, loadavg: true, cmdline: false });
  const offers = '/share/var/lib/splicecast/offers.json';
  await guest.run(`cp ${offers} /tmp/older-offers.json`);

  // A third fix comes, and a level with all of them.
  const trees = new GitTreeStore(join(scratch, 'state', 'trees.git'));
  const source = (await trees.readFile(baseTree, cmdline.path))?.toString('latin1') ?? '';
  const [third, rivalFix] = await stages.buildFixes(
    client,
    [cmdline, rival].map((one) => ({ kernelId, patch: { subject: one.subject, text: cmdlinePatch(source, one) } })),
    progress,
  );
  expect(third?.functions).toMatchObject([{ symbol: 'cmdline_proc_show' }]);
  const fixIds = [...singleFixes, third?.fixId ?? '', rivalFix?.fixId ?? ''];
  // What doesn't go together is refused by name, and left out only where that is asked for.
  const conflict = [{ fixId: rivalFix?.fixId, reasons: [{ code: 'needs-earlier-commits', object: cmdline.path }] }];
  expect(await refusedLevel(client, { kernelId, fixIds })).toMatchObject({ level: 2, conflicts: conflict });
  const second = await signedLevel(client, { kernelId, fixIds, leaveOut: true });
  expect(second).toMatchObject({ level: 3, state: 'built', functions: 3, leftOut: conflict });
  await client.post(`/v1/bundles/${second.bundleId}/promote`, { tier: 'stable' }, z.unknown());
  await reported(client, machineId, { [second.bundleId]: 'applied', [first.bundleId]: 'replaced' });
  expect(await livePatches()).toEqual(['splicecast_level_3']);
  expect(await effects()).toEqual({ canary: true, loadavg: true, cmdline: true });
  const view = await guest.view(machineId);
  expect(view.applied).toMatchObject([{ bundleId: second.bundleId, level: 3 }]);
  expect(await guest.agent('verify')).toContain('ok');

  // What the service said when the first level was the newest, played back: nobody gets the machine to go back to it.
  await guest.run(`cp /tmp/older-offers.json ${offers}`);
  const explained = await guest.agent(`explain ${first.bundleId}`);
  expect(explained).toContain('level-rollback');

  // Each is taken back to what was before it.
  await guest.agent(`remove ${second.bundleId}`);
  await reported(client, machineId, { [second.bundleId]: 'reversed', [first.bundleId]: 'applied' });
  expect(await livePatches()).toEqual(['splicecast_level_1']);
  expect(await effects()).toEqual({ canary: true, loadavg: true, cmdline: false });
  await guest.agent(`remove ${first.bundleId}`);
  await reported(client, machineId, { [first.bundleId]: 'reversed', ...states(singles, 'applied') });
  expect(await livePatches()).toEqual(before);
  expect(await effects()).toEqual({ canary: true, loadavg: true, cmdline: false });
  expect(await guest.run('dmesg | grep -cE "BUG|WARNING|Oops" || true')).toContain('0');
}
