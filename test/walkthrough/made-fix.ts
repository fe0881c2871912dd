import type { Fact, KernelIdentity } from '#libs/contracts';
import type { StreamName } from '#libs/eventstore';
import type { Platform } from '#libs/service';
import { buildId, fixtureModule, vermagic } from '../../apps/agent/src/fixture/machine.fixture.js';
import { fixFacts, kernelFacts, patchedFunction } from '../made-facts.js';

const kernelId = 'debian-61';
const kernel: KernelIdentity = {
  distro: 'debian',
  arch: 'x86_64',
  release: vermagic.split(' ')[0] ?? '',
  version: '6.1.9-1',
  buildId,
  vermagic,
};

/** A fix that there never was. */
export interface MadeFix {
  readonly name: string;
  readonly subject: string;
  readonly cve: string;
  /** A function that the machine's kernel has. */
  readonly symbol: string;
  readonly path: string;
}

/** Writes to the log that the kernel was imported, as the build stage would. */
export async function importKernel(platform: Platform): Promise<void> {
  await append(platform, `kernel.${kernelId}`, kernelFacts(kernelId, kernel));
}

/** Writes to the log, as the build stage would, that a fix became a module. The module is made up; whoever reads of it doesn't know. */
export async function buildFix(platform: Platform, { name, subject, cve, symbol, path }: MadeFix): Promise<void> {
  const { blobs } = platform;
  const { digest: patch } = await blobs.put(Buffer.from(`patch of ${name}\n`));
  const moduleName = name.replaceAll('-', '_');
  const modinfo = { license: 'GPL', livepatch: 'Y', name: moduleName, vermagic, replaces: `vmlinux/${symbol},1` };
  const module = { name: moduleName, ...(await blobs.put(fixtureModule(modinfo))) };
  const functions = [patchedFunction(symbol, path)];
  const [proposed, built] = fixFacts({ fixId: name, kernelId, subject, cves: [cve], path, patch, module, functions });
  await append(platform, `fix.${name}`, [proposed]);
  await append(platform, `fix.${name}`, [built]);
}

async function append({ events }: Platform, stream: StreamName, facts: readonly [Fact, ...Fact[]]): Promise<void> {
  const { revision } = await events.readStream(stream);
  const context = { actor: 'build', commandId: `made:${stream}:${revision}`, correlationId: stream };
  await events.appendToStream(stream, revision, facts, context);
}
