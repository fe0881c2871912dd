import { type Manifest, openBundle, type OpenedBundle, payloadPathOf } from '#libs/bundle';
import { digestOf, type RunningKernel, type TrustKeys } from '#libs/contracts';
import { verifyBundleSignature } from '#libs/trust';
import { readModinfo } from './domain/modinfo.js';
import type { Offer } from './domain/plan.js';
import type { BundleSummary } from './domain/record.js';
import { Refusal } from './refusal.js';

/** A bundle that is genuine, whole, and made for the kernel that runs. */
export interface Admitted {
  readonly manifest: Manifest;
  readonly summary: BundleSummary;
  /** The module's bytes: what goes to the kernel. */
  readonly module: Buffer;
}

/**
 * Everything that is checked before a byte gets near the kernel, which itself checks neither signature nor release nor build id:
 * bytes → archive → signature → kernel → module.
 * @throws Refusal, BundleError, TrustError, ElfError.
 */
export async function admit(bytes: Buffer, offer: Offer, keys: TrustKeys, kernel: RunningKernel): Promise<Admitted> {
  checkBytes(bytes, offer);
  const bundle = await openBundle(bytes);
  await checkSignature(bundle, offer, keys);
  checkKernel(bundle.manifest, kernel);
  const module = bundle.payload(payloadPathOf(bundle.manifest.module));
  checkModule(module, bundle.manifest, kernel);
  return { manifest: bundle.manifest, summary: summaryOf(bundle.manifest, offer), module };
}

function checkBytes(bytes: Buffer, { artefact }: Offer): void {
  if (bytes.length !== artefact.length) {
    throw Refusal.of('wrong-length', `the bundle has ${bytes.length} bytes, ${artefact.length} were announced`);
  }
  if (digestOf(bytes) !== artefact.sha256) {
    throw Refusal.of('wrong-digest', 'the bundle’s bytes are not those that were announced');
  }
}

/** The id follows from the manifest, so that no genuine bundle can pass as another one (one that was recalled, say). */
async function checkSignature(bundle: OpenedBundle, { bundleId, signature }: Offer, keys: TrustKeys): Promise<void> {
  await verifyBundleSignature(signature, bundle.manifestBytes, keys);
  if (bundle.bundleId !== bundleId) {
    throw Refusal.of('wrong-bundle', `${bundleId} was announced, and ${bundle.bundleId} sent`);
  }
}

function checkKernel({ kernel: target, replace }: Manifest, kernel: RunningKernel): void {
  if (target.distro !== kernel.distro) {
    throw Refusal.of('wrong-distro', differs('distribution', target.distro, kernel.distro));
  }
  if (target.arch !== kernel.arch) throw Refusal.of('wrong-arch', differs('architecture', target.arch, kernel.arch));
  if (target.release !== kernel.release) {
    throw Refusal.of('wrong-release', differs('kernel', target.release, kernel.release));
  }
  // The same release built twice has other addresses and inlining: a patch for one would break the other.
  if (target.buildId !== kernel.buildId) {
    throw Refusal.of('wrong-build-id', differs('the build', target.buildId, kernel.buildId));
  }
  if (replace) {
    const advice = 'ask for single fixes instead of a cumulative level';
    throw Refusal.of('replaces-all', 'it would take back every other live patch', advice);
  }
}

function differs(what: string, wanted: string, found: string): string {
  return `it was made for ${what} ${wanted}, and ${found} runs here`;
}

function checkModule(module: Buffer, manifest: Manifest, kernel: RunningKernel): void {
  const modinfo = readModinfo(module);
  if (modinfo === undefined) throw Refusal.of('malformed-module', 'the module has no .modinfo');
  if (modinfo.get('livepatch') !== 'Y') {
    throw Refusal.of('no-livepatch-module', 'the module does not say that it is a live patch');
  }
  if (modinfo.get('name') !== manifest.module) {
    const name = JSON.stringify(modinfo.get('name'));
    throw Refusal.of('wrong-module', `the module calls itself ${name}, its manifest ${manifest.module}`);
  }
  const staysLoaded = modinfo.get('stays_loaded') === 'Y';
  if (staysLoaded === manifest.reversible) {
    const says = staysLoaded ? 'that it can’t be unloaded' : 'nothing of staying loaded';
    throw Refusal.of('wrong-module', `the module says ${says}, its manifest reversible: ${manifest.reversible}`);
  }
  const vermagic = (modinfo.get('vermagic') ?? '').trim();
  if (vermagic !== manifest.kernel.vermagic.trim() || vermagic.split(' ')[0] !== kernel.release) {
    throw Refusal.of('wrong-vermagic', `the module was built for ${JSON.stringify(vermagic)}`);
  }
}

function summaryOf(manifest: Manifest, { artefact }: Offer): BundleSummary {
  const { release, buildId, version } = manifest.kernel;
  return {
    module: manifest.module,
    kernel: { release, buildId, version },
    functions: manifest.functions.map(({ object, symbol, sympos }) => ({ object, symbol, sympos })),
    fixes: manifest.fixes.map(({ subject, cves }) => ({ subject, cves })),
    reversible: manifest.reversible,
    artefact: artefact.sha256,
  };
}
