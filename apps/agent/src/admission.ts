import { BundleError, type Manifest, openBundle, type OpenedBundle, payloadPathOf } from '#libs/bundle';
import { digestOf, type RunningKernel, type TrustKeys } from '#libs/contracts';
import { readElf } from '#libs/elf';
import { verifyAttestations, verifyBundleSignature } from '#libs/trust';
import { type TargetFile, TufError, verifyTarget } from '#libs/tuf';
import type { Grounds } from './grounds.js';
import { klpSymbolsOf, missingSymbols } from './domain/klp-symbols.js';
import { readModinfo } from './domain/modinfo.js';
import type { Offer } from './domain/plan.js';
import type { BundleSummary } from './domain/record.js';
import { Refusal } from './refusal.js';
import { type SignedMetadata, targetPathOf } from './signed-metadata.js';

/** A bundle that is genuine, whole, and made for the kernel that runs. */
export interface Admitted {
  readonly manifest: Manifest;
  readonly summary: BundleSummary;
  /** The module's bytes: what goes to the kernel. */
  readonly module: Buffer;
}

/** A bundle that wants to be let in. */
export interface Candidate {
  readonly offer: Offer;
  /**
   * It was let in before, so that nothing which only holds back what is new applies to it: expired metadata and a lease that ended
   * must not take from a machine what it has.
   */
  readonly wasAdmitted: boolean;
  /** It is in the kernel, and only looked at: a recall that lets machines keep it is no reason against it. */
  readonly runs?: boolean;
  /** Its bytes, from the cache or the service. What comes is bounded by what was vouched for. */
  readonly bring: (artefact: Artefact) => Promise<Buffer>;
}

/** Length and digest that the bytes must have. */
export type Artefact = Pick<Offer['artefact'], 'length' | 'sha256'>;

/**
 * Everything that is checked before a byte gets near the kernel, which itself checks neither signature nor release nor build id.
 * Clauses are those of the TUF specification 1.0.34; each step can refuse, with a code of its own.
 * @throws Refusal, TufError, BundleError, TrustError, ElfError, AgentError, LoaderError.
 */
export async function admit(candidate: Candidate, grounds: Grounds): Promise<Admitted> {
  const { offer, wasAdmitted } = candidate;
  const { kernel, trust } = grounds;
  const metadata = await grounds.metadata(wasAdmitted ? 'then' : 'now'); // 5.2–5.6 root chain, timestamp, snapshot: rollback, freeze, mix-and-match
  refuseRecalled(candidate, metadata); // role `recall`: what was withdrawn, or is only said to be
  const artefact = await vouchedArtefact(offer, metadata, grounds); // 5.6.7 delegation: arbitrary installation
  const bytes = await candidate.bring(artefact); // 5.7.2: endless and slow data
  checkBytes(bytes, artefact, metadata); // 5.7.3 length and digest: wrong target
  const bundle = await openBundle(bytes); // bounded: hostile archives
  await checkSignature(bundle, offer, trust); // JWS by a threshold of the pinned keys: metadata keys alone vouch for no code
  checkAttestations(bundle, candidate, trust); // DSSE by the same keys: stripped, swapped, forged, or at odds with the manifest
  if (!wasAdmitted) await grounds.checkLease(); // licence and lease: replayed, ended, or another machine's
  checkKernel(bundle.manifest, kernel); // distribution, architecture, release, build id: wrong machine, wrong kernel
  checkLevel(bundle.manifest, offer); // a level that passes as a single fix
  const module = bundle.payload(payloadPathOf(bundle.manifest.module));
  checkModule(module, bundle.manifest, kernel); // the module itself: a manifest that says something else
  await checkSymbols(module, bundle.manifest, grounds); // /proc/kallsyms: a kernel that isn't what it says
  return { manifest: bundle.manifest, summary: summaryOf(bundle.manifest, bytes), module };
}

/** A recall counts where the role for it says so. One that only the service speaks of is no reason to take a fix away, nor to bring it in. */
function refuseRecalled({ offer, runs = false }: Candidate, metadata: SignedMetadata | undefined): void {
  const { bundleId, recalled } = offer;
  const signed = metadata === undefined ? recalled : metadata.recalls.get(bundleId);
  if (signed?.keep === true && runs) return;
  if (signed !== undefined) throw Refusal.of('recalled', `it was withdrawn: ${signed.reason}`);
  if (recalled !== undefined) {
    throw Refusal.metadata('recall-unsigned', `the service says that it was withdrawn (${recalled.reason}), unsigned`);
  }
}

/** What the bytes must be: as the role of this kernel's release says, or, where no root is pinned, as the service announced. */
async function vouchedArtefact(
  { bundleId, artefact }: Offer,
  metadata: SignedMetadata | undefined,
  { kernel, trouble }: Grounds,
): Promise<Artefact> {
  if (metadata === undefined) return artefact;
  try {
    const { length, hashes } = await metadata.find(targetPathOf(kernel, bundleId));
    const sha256 = hashes.get('sha256');
    if (sha256 === undefined) throw new TufError('unsupported-hash', `${bundleId} has no SHA-256`);
    return { length, sha256 };
  } catch (cause) {
    // Where the newest state can't be had, that is the reason, and not that an older one doesn't know the bundle.
    const unknown = cause instanceof TufError && cause.code === 'unknown-target';
    throw unknown && trouble !== undefined ? trouble : cause;
  }
}

function checkBytes(bytes: Buffer, { length, sha256 }: Artefact, metadata: SignedMetadata | undefined): void {
  if (metadata !== undefined) return verifyTarget('the bundle', bytes, target({ length, sha256 }));
  if (bytes.length !== length) {
    throw Refusal.of('wrong-length', `the bundle has ${bytes.length} bytes, ${length} were announced`);
  }
  if (digestOf(bytes) !== sha256) {
    throw Refusal.of('wrong-digest', 'the bundle’s bytes are not those that were announced');
  }
}

function target({ length, sha256 }: Artefact): TargetFile {
  return { length, hashes: new Map([['sha256', sha256]]) };
}

/** The id follows from the manifest, so that no genuine bundle can pass as another one (one that was recalled, say). */
async function checkSignature(bundle: OpenedBundle, { bundleId, signature }: Offer, keys: TrustKeys): Promise<void> {
  await verifyBundleSignature(signature, bundle.manifestBytes, keys);
  if (bundle.bundleId !== bundleId) {
    throw Refusal.of('wrong-bundle', `${bundleId} was announced, and ${bundle.bundleId} sent`);
  }
}

/** What a bundle names must be there and hold. One from before there were attestations names none, and is new only where that is allowed. */
function checkAttestations(bundle: OpenedBundle, { wasAdmitted }: Candidate, trust: TrustKeys): void {
  if (bundle.attestations.length === 0 && trust.attestations === 'required' && !wasAdmitted) {
    throw new BundleError(
      'attestation-missing',
      'it names no attestations, and this machine takes nothing new without',
    );
  }
  verifyAttestations(bundle, trust);
}

function checkKernel({ kernel: target }: Manifest, kernel: RunningKernel): void {
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
}

/** The plan went by what the offer said, so that is to be true: a level that passes as a single would drop every other patch. */
function checkLevel({ level, fixes }: Manifest, offer: Offer): void {
  if (offer.level !== level) {
    throw Refusal.of('wrong-level', `the service announced ${kindOf(offer.level)}, and it is ${kindOf(level)}`);
  }
  if (offer.fixIds !== undefined && offer.fixIds.join() !== fixes.map(({ fixId }) => fixId).join()) {
    throw Refusal.of('wrong-level', 'it contains other fixes than the service announced');
  }
}

function kindOf(level: number | undefined): string {
  return level === undefined ? 'a single fix' : `level ${level}`;
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

/** The kernel resolves these by name; a name that isn't there, or twice, is somebody else's function. */
async function checkSymbols(module: Buffer, manifest: Manifest, grounds: Grounds): Promise<void> {
  const wanted = [...manifest.functions, ...klpSymbolsOf(readElf(module))];
  const [first, ...more] = missingSymbols(wanted, await grounds.symbols(wanted));
  if (first !== undefined) throw new Refusal([first, ...more]);
}

function summaryOf(manifest: Manifest, bytes: Buffer): BundleSummary {
  const { release, buildId, version } = manifest.kernel;
  return {
    module: manifest.module,
    kernel: { release, buildId, version },
    functions: manifest.functions.map(({ object, symbol, sympos }) => ({ object, symbol, sympos })),
    fixes: manifest.fixes.map(({ fixId, subject, cves }) => ({ fixId, subject, cves })),
    ...(manifest.level === undefined ? {} : { level: manifest.level }),
    reversible: manifest.reversible,
    artefact: digestOf(bytes),
  };
}
