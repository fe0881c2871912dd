import { z } from 'zod';
import type { CachedPackage } from '#libs/apt';
import type { ServiceClient } from '#libs/client';
import { reasonSchema } from '#libs/contracts';
import type { Progress, Step } from './progress.js';

const minutes = (n: number): number => n * 60_000;

const dropSchema = z.object({
  dropId: z.string(),
  state: z.string(),
  reasons: z.array(reasonSchema).optional(),
  tree: z.string().optional(),
  files: z.number().optional(),
  commits: z.number().optional(),
  attributed: z.number().optional(),
  remainders: z.number().optional(),
  filesChanged: z.number().optional(),
  proof: z.object({ targetTree: z.string(), replayedTree: z.string() }).optional(),
});
export type Drop = z.infer<typeof dropSchema>;

const kernelSchema = z.object({
  kernelId: z.string(),
  state: z.string(),
  reasons: z.array(reasonSchema).optional(),
  release: z.string().optional(),
  buildId: z.string().optional(),
  counts: z.object({ symbols: z.number(), exports: z.number(), btfTypes: z.number() }).optional(),
});
export type Kernel = z.infer<typeof kernelSchema>;

const fixSchema = z.object({
  fixId: z.string(),
  state: z.string(),
  subject: z.string(),
  cves: z.array(z.string()),
  functions: z.array(z.object({ object: z.string(), symbol: z.string() })).optional(),
  reasons: z.array(reasonSchema).optional(),
  buildMs: z.number().optional(),
});
export type Fix = z.infer<typeof fixSchema>;

const bundleSchema = z.object({ bundleId: z.string(), fixId: z.string(), state: z.string(), sizeBytes: z.number() });
export type Bundle = z.infer<typeof bundleSchema>;

function why(reasons: readonly { code: string; reason: string }[] = []): string {
  return reasons.map((one) => `${one.code}: ${one.reason}`).join('; ');
}

/** Uploads a source drop and has it unpacked. Returns as soon as the service has it. */
export async function sendDrop(
  client: ServiceClient,
  source: CachedPackage,
  product: string,
  progress: Progress,
  base?: string,
): Promise<string> {
  const bar = progress.begin(`upload ${source.name} ${source.version}`);
  const { digest, sizeBytes } = await client.upload(source.file, (sent, total) => bar.update(sent, total));
  const request = { product, fileName: source.fileName, archive: digest, base };
  const { dropId } = await client.post('/v1/drops', request, z.object({ dropId: z.string() }));
  bar.done(`${(sizeBytes / 1e6).toFixed(0)} MB, sha256 ${digest.slice(0, 12)}…`);
  return dropId;
}

/** Uploads the kernel's packages and has it imported. */
export async function sendKernel(
  client: ServiceClient,
  image: CachedPackage,
  headers: readonly CachedPackage[],
  dropId: string,
  progress: Progress,
): Promise<string> {
  const bar = progress.begin(`upload ${image.name}`);
  const packages: object[] = [];
  for (const [index, one] of [image, ...headers].entries()) {
    bar.update(index, headers.length + 1, one.name);
    const { digest } = await client.upload(one.file, () => undefined);
    packages.push({ role: one === image ? 'image' : 'headers', fileName: one.fileName, digest });
  }
  const request = { distro: 'debian', packages, dropId };
  const { kernelId } = await client.post('/v1/kernels', request, z.object({ kernelId: z.string() }));
  bar.done(`${packages.length} packages`);
  return kernelId;
}

/** Waits until a drop is a git tree. */
export async function unpackedDrop(
  client: ServiceClient,
  dropId: string,
  progress: Progress,
  label: string,
): Promise<Drop> {
  const bar = progress.begin(`ingest ${label}`);
  const drop = await client.until(`drop ${dropId} to be unpacked`, minutes(10), async () => {
    const now = await client.find(`/v1/drops/${dropId}`, dropSchema);
    bar.update(0, 1, 'unpacking into a git tree');
    if (now?.state === 'rejected') throw new Error(`drop ${dropId} was rejected: ${why(now.reasons)}`);
    return now?.tree === undefined ? undefined : now;
  });
  bar.done(`${drop.files} files, tree ${drop.tree?.slice(0, 12)}`);
  return drop;
}

/** Waits until a kernel has been imported. */
export async function importedKernel(client: ServiceClient, kernelId: string, progress: Progress): Promise<Kernel> {
  const bar = progress.begin('import the kernel');
  const kernel = await client.until(`kernel ${kernelId} to be imported`, minutes(10), async () => {
    const now = await client.find(`/v1/kernels/${kernelId}`, kernelSchema);
    bar.update(0, 1, 'symbols, types, configuration, headers');
    if (now?.state === 'rejected') throw new Error(`the kernel was rejected: ${why(now.reasons)}`);
    return now?.state === 'imported' ? now : undefined;
  });
  const { symbols = 0, exports = 0, btfTypes = 0 } = kernel.counts ?? {};
  bar.done(`${kernel.release}: ${symbols} symbols, ${exports} exports, ${btfTypes} types`);
  return kernel;
}

/** Waits until a drop is a series of commits, and checks what it claims. */
export async function splitDrop(client: ServiceClient, dropId: string, progress: Progress): Promise<Drop> {
  const bar = progress.begin('split');
  const drop = await client.until(`drop ${dropId} to be split`, minutes(10), async () => {
    const now = await client.get(`/v1/drops/${dropId}`, dropSchema);
    bar.update(0, 1, 'hunks to changelog entries');
    if (now.state === 'rejected') throw new Error(`drop ${dropId} was rejected: ${why(now.reasons)}`);
    return now.state === 'split' ? now : undefined;
  });
  if (drop.proof === undefined || drop.proof.replayedTree !== drop.tree) {
    throw new Error(`the series of drop ${dropId} doesn't rebuild it`);
  }
  bar.done(
    `${drop.filesChanged} files → ${drop.commits} commits: ${drop.attributed} attributed, ${drop.remainders} remainders; ` +
      'A + series = B, bit for bit',
  );
  return drop;
}

/** Proposes fixes and waits until each is built or refused. */
export async function buildFixes(
  client: ServiceClient,
  requests: readonly object[],
  progress: Progress,
): Promise<readonly Fix[]> {
  const fixIds: string[] = [];
  for (const request of requests) {
    const proposed = await client.post('/v1/fixes', request, z.object({ fixIds: z.array(z.string()) }));
    fixIds.push(...proposed.fixIds);
  }
  const bar = progress.begin(`build ${fixIds.length} fixes`);
  const ended = new Map<string, Fix>();
  await client.until(`${fixIds.length} fixes to be built or refused`, minutes(2 + fixIds.length), async () => {
    for (const fixId of fixIds) {
      if (ended.has(fixId)) continue;
      const fix = await client.find(`/v1/fixes/${fixId}`, fixSchema);
      if (fix === undefined || fix.state === 'proposed') continue;
      ended.set(fixId, fix);
      bar.update(ended.size, fixIds.length, fix.subject.slice(0, 50));
    }
    return ended.size === fixIds.length || undefined;
  });
  const fixes = fixIds.map((fixId) => ended.get(fixId)).filter((fix) => fix !== undefined);
  const built = fixes.filter((fix) => fix.state === 'built');
  bar.done(`${built.length} live patches, ${fixes.length - built.length} refused`);
  for (const fix of fixes) {
    if (fix.state === 'built') {
      const functions = fix.functions?.map((one) => one.symbol).join(' ') ?? '';
      progress.note(`  made     ${fix.subject} (${functions}; ${((fix.buildMs ?? 0) / 1000).toFixed(1)} s)`);
    } else {
      progress.note(`  refused  ${fix.subject}`);
      for (const reason of fix.reasons?.slice(0, 3) ?? []) {
        progress.note(
          `             ${reason.code}: ${[reason.symbol, reason.reason].filter(Boolean).join(': ').slice(0, 140)}`,
        );
      }
    }
  }
  return fixes;
}

/** Waits until each built fix is a signed bundle. */
export async function signedBundles(
  client: ServiceClient,
  fixes: readonly Fix[],
  progress: Progress,
): Promise<readonly Bundle[]> {
  const wanted = new Set(fixes.filter((fix) => fix.state === 'built').map((fix) => fix.fixId));
  const bar = progress.begin(`sign ${wanted.size} bundles`);
  const bundles = await client.until(`${wanted.size} bundles to be signed`, minutes(2), async () => {
    const { items } = await client.get('/v1/bundles?limit=500', z.object({ items: z.array(bundleSchema) }));
    const signed = items.filter((one) => wanted.has(one.fixId) && one.state !== 'assembled');
    bar.update(signed.length, wanted.size);
    return signed.length === wanted.size ? signed : undefined;
  });
  const sizeKb = bundles.reduce((sum, one) => sum + one.sizeBytes, 0) / 1000;
  bar.done(`${bundles.length} bundles, ${sizeKb.toFixed(0)} kB in all`);
  return bundles;
}

/** Registers a customer and issues a trial of 30 days for the foreign distribution. */
export async function issueTrial(
  client: ServiceClient,
  progress: Progress,
): Promise<{ licenseId: string; token: string; expiresAt?: string }> {
  const { customerId } = await client.post('/v1/customers', { name: 'Demo' }, z.object({ customerId: z.string() }));
  const license = await client.post(
    '/v1/licenses',
    { customerId, plan: 'trial', distro: 'debian' },
    z.object({ licenseId: z.string(), token: z.string(), terms: z.object({ expiresAt: z.string().optional() }) }),
  );
  progress.note(`trial ${license.licenseId} until ${license.terms.expiresAt}`);
  return { licenseId: license.licenseId, token: license.token, expiresAt: license.terms.expiresAt };
}

/** Lets the stable tier have the bundles: from here on it is a push. */
export async function promote(client: ServiceClient, bundles: readonly Bundle[]): Promise<void> {
  for (const { bundleId } of bundles) {
    await client.post(`/v1/bundles/${bundleId}/promote`, { tier: 'stable' }, z.unknown());
  }
}

const updatesSchema = z.object({
  updates: z.array(
    z.object({ bundleId: z.string(), state: z.string(), reasons: z.array(reasonSchema).optional() }).loose(),
  ),
});

/** How a push ended on the machine. */
export interface Settled {
  readonly applied: readonly string[];
  /** Not applied, with the machine's reasons. */
  readonly held: readonly { bundleId: string; reasons: string }[];
}

/** Waits until the machine has reported on every bundle. */
export async function settledMachine(
  client: ServiceClient,
  machineId: string,
  bundles: readonly Bundle[],
  bar: Step,
): Promise<Settled> {
  const updates = await client.until(
    `${bundles.length} bundles to be applied`,
    minutes(3 + bundles.length / 4),
    async () => {
      const machine = await client.get(`/v1/machines/${machineId}`, updatesSchema);
      const ended = machine.updates.filter((one) => one.state === 'applied' || one.state === 'failed');
      bar.update(ended.length, bundles.length);
      return ended.length >= bundles.length ? ended : undefined;
    },
  );
  const applied = updates.filter((one) => one.state === 'applied').map((one) => one.bundleId);
  const held = updates
    .filter((one) => one.state === 'failed')
    .map((one) => ({ bundleId: one.bundleId, reasons: why(one.reasons) }));
  bar.done(`${applied.length} applied in the running kernel, ${held.length} held back`);
  return { applied, held };
}

/** The bundle of the fix with this subject. @throws Error if that fix was refused. */
export function bundleOf(bundles: readonly Bundle[], fixes: readonly Fix[], subject: string): Bundle {
  const fix = fixes.find((one) => one.subject === subject);
  const bundle = bundles.find((one) => one.fixId === fix?.fixId);
  if (bundle === undefined) throw new Error(`there is no bundle of “${subject}”: ${why(fix?.reasons)}`);
  return bundle;
}

/** Waits until the service knows that a machine took a bundle back. */
export async function reversedOn(client: ServiceClient, machineId: string, bundleId: string): Promise<void> {
  await client.until(`the report that ${bundleId} was reversed`, minutes(1), async () => {
    const { updates } = await client.get(`/v1/machines/${machineId}`, updatesSchema);
    return updates.some((one) => one.bundleId === bundleId && one.state === 'reversed') || undefined;
  });
}
