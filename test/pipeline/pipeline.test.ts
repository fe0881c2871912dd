import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernelOfPackage } from '#libs/guest';
import { GitTreeStore } from '#libs/trees';
import { type CachedPackage, download, findKernelStep } from '#libs/apt';
import { canary, canaryPatch } from '../../tools/demo/canary.js';
import { Machine } from '../../tools/demo/machine.js';
import { Progress } from '../../tools/demo/progress.js';
import { ServiceProcess } from '../../tools/demo/service-process.js';
import * as stages from '../../tools/demo/stages.js';
import { edits, makeDrops } from './source-drops.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(project, 'data', 'cache');
const progress = new Progress();
const testTimeoutMs = 10 * 60_000;

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
