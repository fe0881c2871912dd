// The main job from end to end, on real input: two of the vendor's source drops become commits, commits become live patches,
// and a stock kernel that is running gets them without a reboot. Exits 0 only if all of it really happened.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type GuestKernel, kernelOfPackage } from '#libs/guest';
import { GitTreeStore } from '#libs/trees';
import { canary, canaryPatch } from './canary.js';
import { Machine } from './machine.js';
import { demoOptions, type DemoOptions, usage } from './options.js';
import { fetchPackages, type StepPackages } from './packages.js';
import { Progress } from './progress.js';
import { type Made, reportOf, type Shown } from './outcome.js';
import { type DemoReport, writeReport } from './report.js';
import { distDir, ServiceProcess } from './service-process.js';
import * as stages from './stages.js';
import { StopWatch } from './stop-watch.js';
import { summary } from './summary.js';

const project = dirname(distDir);
const dataDir = join(project, 'data');
const demoDir = join(dataDir, 'demo');
const reportFile = join(demoDir, 'report.json');
const product = 'debian-linux-6-1';

async function demo(options: DemoOptions, progress: Progress): Promise<DemoReport> {
  const clock = new StopWatch();
  progress.heading('Looking up what the archive has');
  const packages = await fetchPackages(join(dataDir, 'cache'), progress);
  const kernel = await kernelOfPackage(packages.image.file);
  clock.lap('packages');

  await rm(join(demoDir, 'state'), { recursive: true, force: true });
  const service = await ServiceProcess.start(join(demoDir, 'state'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void service.stop().then(() => process.exit(130)));
  }
  clock.lap('start');
  try {
    const made = await makeBundles(service, packages, options, progress, clock);
    const shown = await patchMachine(service, kernel, made, progress, clock);
    return reportOf(await versions(packages), made, shown, clock);
  } catch (error) {
    progress.note(`the service's log: ${relative(process.cwd(), service.logFile)}`);
    throw error;
  } finally {
    progress.stop();
    await finish(service, options.keep);
  }
}

/** From two drops to signed bundles. */
async function makeBundles(
  service: ServiceProcess,
  packages: StepPackages,
  options: DemoOptions,
  progress: Progress,
  clock: StopWatch,
): Promise<Made> {
  progress.heading('From the monolith to commits');
  const { series, kernelId, baseTree } = await ingest(service, packages, progress);
  clock.lap('ingestAndSplit');

  progress.heading('From commits to live patches');
  const sample = { kernelId, dropId: series.dropId, baseTree, limit: options.fixes };
  const fixes = await buildSample(service, sample, progress);
  clock.lap('build');
  const bundles = await stages.signedBundles(service.client, fixes, progress);
  clock.lap('sign');
  return { series, fixes, bundles };
}

/** Boots a stock machine with a trial, pushes the bundles to it, and looks before, after, and after reversal. */
async function patchMachine(
  { client }: ServiceProcess,
  kernel: GuestKernel,
  { fixes, bundles }: Made,
  progress: Progress,
  clock: StopWatch,
): Promise<Shown> {
  progress.heading('A stock machine, running');
  const license = await stages.issueTrial(client, progress);
  const booting = progress.begin(`boot ${kernel.release} with the agent in it`);
  const shareDir = join(demoDir, 'share');
  const machine = await Machine.boot({ client, kernel, shareDir, project, licenseToken: license.token });
  try {
    const before = await machine.probe();
    const machineId = await machine.startAgent();
    booting.done(`machine ${machineId} is enrolled and listens`);
    clock.lap('bootAndEnrol');

    const bar = progress.begin(`push ${bundles.length} bundles`);
    await stages.promote(client, bundles);
    const settled = await stages.settledMachine(client, machineId, bundles, bar);
    clock.lap('push');

    const after = await machine.probe();
    const view = await machine.view(machineId);
    const reversing = progress.begin('take the canary back');
    const { bundleId } = stages.bundleOf(bundles, fixes, canary.subject);
    await machine.agent(`remove ${bundleId}`);
    const reversed = await machine.probe();
    await stages.reversedOn(client, machineId, bundleId);
    reversing.done('reversed in the running kernel, and reported');
    clock.lap('reverse');
    await machine.powerOff();
    return { probe: { before, after, reversed }, settled, view };
  } catch (error) {
    progress.note(`the agent said:\n${await machine.log().catch(() => '(nothing)')}`);
    throw error;
  } finally {
    machine.kill();
  }
}

/** Both drops and the kernel at once; the split follows by itself. */
async function ingest(
  service: ServiceProcess,
  packages: StepPackages,
  progress: Progress,
): Promise<{ series: stages.Drop; kernelId: string; baseTree: string }> {
  const { client } = service;
  const fromId = await stages.sendDrop(client, packages.from, product, progress);
  const toId = await stages.sendDrop(client, packages.to, product, progress, fromId);
  const kernelId = await stages.sendKernel(client, packages.image, packages.headers, fromId, progress);
  const [from] = await Promise.all([
    stages.unpackedDrop(client, fromId, progress, packages.from.version),
    stages.unpackedDrop(client, toId, progress, packages.to.version),
    stages.importedKernel(client, kernelId, progress),
  ]);
  if (from.tree === undefined) throw new Error(`drop ${fromId} has no tree`);
  return { series: await stages.splitDrop(client, toId, progress), kernelId, baseTree: from.tree };
}

/** A sample of the drop's fixes, and the project's own canary. */
async function buildSample(
  service: ServiceProcess,
  from: { kernelId: string; dropId: string; baseTree: string; limit: number },
  progress: Progress,
): Promise<readonly stages.Fix[]> {
  const source = await new GitTreeStore(join(demoDir, 'state', 'trees.git')).readFile(from.baseTree, canary.path);
  if (source === undefined) throw new Error(`the drop has no ${canary.path}`);
  const { kernelId, dropId, limit } = from;
  const requests: object[] = [
    { kernelId, patch: { subject: canary.subject, text: canaryPatch(source.toString('latin1')) } },
  ];
  if (limit > 0) requests.push({ kernelId, dropId, select: { limit } });
  return stages.buildFixes(service.client, requests, progress);
}

async function versions({ step, from, to }: StepPackages): Promise<DemoReport['versions']> {
  const run = promisify(execFile);
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { version: string };
  const qemu = await run('qemu-system-x86_64', ['--version']);
  const nats = await run(process.env['NATS_SERVER_BIN'] ?? '/usr/sbin/nats-server', ['--version']);
  return {
    splicecast: manifest.version,
    release: step.release,
    from: from.version,
    to: to.version,
    nats: nats.stdout.trim(),
    qemu: qemu.stdout.split('\n')[0] ?? '',
  };
}

async function finish(service: ServiceProcess, keep: boolean): Promise<void> {
  if (!keep) {
    await service.stop();
    return;
  }
  service.release();
  process.stderr.write(
    `\nThe service stays up at ${service.client.url} (stop it with \`kill ${service.pid}\`). To speak to it:\n\n` +
      `  export SPLICECAST_URL=${service.client.url} SPLICECAST_ADMIN_TOKEN=${service.adminToken}\n  bin/splicectl machine list\n`,
  );
}

async function main(): Promise<number> {
  const options = demoOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  await mkdir(demoDir, { recursive: true });
  const report = await demo(options, new Progress());
  await writeReport(reportFile, report);
  process.stdout.write(summary(report, relative(process.cwd(), reportFile)));
  return report.ok ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
