import { type ManifestInput, payloadPathOf, standardAttestations, type Statement } from '#libs/bundle';
import { digestOf, type EventData, type Fact, type Reason, type SeriesCommit } from '#libs/contracts';
import { type BuildRun, statementsOf } from './attestations.js';
import { last, reason } from './reason.js';
import { checkStep, commitsOf, type Step } from './step.js';

/** What the log and the blob store say of a hot patch that is to be signed. */
export interface Evidence {
  /** The event that asks for a bundle. */
  readonly built: EventData<'HotPatchBuilt'>;
  readonly fix: readonly Fact[];
  readonly kernel: readonly Fact[];
  readonly module: Uint8Array;
  /** The step that the fix is a commit of; none for anyone's own patch. */
  readonly step?: Step;
  readonly run: BuildRun;
}

/** What goes into the bundle, or every reason why it must not be signed. */
export type Verdict =
  | {
      readonly input: ManifestInput;
      readonly payloads: ReadonlyMap<string, Uint8Array>;
      /** What is attested, of each kind that the input names. */
      readonly statements: readonly Statement[];
    }
  | { readonly refused: readonly Reason[] };

/**
 * Says what would be signed. It takes nobody's word: the fix, the kernel and the module's bytes must agree with each other, since
 * a signature says that they do, and the kernel's own loader checks neither release nor build id.
 */
export function examine({ built, fix, kernel, module, step, run }: Evidence): Verdict {
  const proposed = last(fix, 'FixProposed');
  const imported = last(kernel, 'KernelImported');
  if (proposed === undefined) return { refused: [reason('fix-unknown', `nobody proposed the fix ${built.fixId}`)] };
  if (imported === undefined) {
    return { refused: [reason('kernel-unknown', `the kernel ${built.kernelId} was never imported`)] };
  }
  const refused = [
    ...checkFix(built, proposed, fix),
    ...checkKernel(built, proposed, imported),
    ...checkModule(built.module, imported, module),
    ...checkStep(proposed, step),
    ...checkBrought(built, commitsOf(step)),
  ];
  if (refused.length > 0) return { refused };
  const input = manifestOf(built, proposed, imported, commitsOf(step), isUnloadable(module));
  return {
    input,
    payloads: new Map([[payloadPathOf(built.module.name), module]]),
    statements: statementsOf({
      input,
      built,
      run,
      imported,
      packages: last(kernel, 'KernelReceived')?.packages ?? [],
      fixes: [{ proposed, brings: built.brings ?? [], ...(step === undefined ? {} : { step }) }],
      objects: last(fix, 'ObjectsBuilt')?.objects ?? [],
    }),
  };
}

function checkFix(
  built: EventData<'HotPatchBuilt'>,
  proposed: EventData<'FixProposed'>,
  fix: readonly Fact[],
): Reason[] {
  const recorded = fix.some((fact) => fact.type === 'HotPatchBuilt' && fact.data.module.digest === built.module.digest);
  if (built.fixId === proposed.fixId && recorded) return [];
  return [reason('fix-mismatch', 'the fix’s own stream does not hold this hot patch')];
}

function checkKernel(
  built: EventData<'HotPatchBuilt'>,
  proposed: EventData<'FixProposed'>,
  imported: EventData<'KernelImported'>,
): Reason[] {
  if (built.kernelId === imported.kernelId && proposed.kernelId === imported.kernelId) return [];
  return [reason('kernel-mismatch', 'the fix was proposed for another kernel than it was built for')];
}

/** The bytes are those that were built, and a live patch for that kernel. */
export function checkModule(
  { digest, sizeBytes, name }: EventData<'HotPatchBuilt'>['module'],
  imported: EventData<'KernelImported'>,
  module: Uint8Array,
): Reason[] {
  const found: Reason[] = [];
  if (digestOf(module) !== digest || module.length !== sizeBytes) {
    found.push(reason('module-mismatch', 'the module’s bytes are not those that were built'));
  }
  const info = moduleInfo(module);
  if (info.get('name') !== name) found.push(reason('module-name', `the module calls itself ${info.get('name')}`));
  if (info.get('livepatch') !== 'Y') found.push(reason('module-no-livepatch', 'the module is no live patch'));
  if (info.get('vermagic')?.trim() !== imported.kernel.vermagic.trim()) {
    found.push(reason('module-vermagic', `the module was made for ${JSON.stringify(info.get('vermagic'))}`));
  }
  return found;
}

/** What came along is a fix of the series, and nothing that nobody explains. */
export function checkBrought({ brings = [] }: EventData<'HotPatchBuilt'>, series: readonly SeriesCommit[]): Reason[] {
  const known = new Set(series.flatMap(({ commit, kind }) => (kind === 'attributed' ? [commit] : [])));
  return brings
    .filter(({ commit }) => !known.has(commit))
    .map(({ commit }) => reason('brought-commit-unknown', `the fix’s series has no attributed commit ${commit}`));
}

/** What the series itself says of the brought commits. */
function broughtOf(
  { brings = [] }: EventData<'HotPatchBuilt'>,
  series: readonly SeriesCommit[],
): Pick<ManifestInput['fixes'][number], 'brings'> {
  if (brings.length === 0) return {};
  const brought = new Set(brings.map(({ commit }) => commit));
  return {
    brings: series
      .filter(({ commit }) => brought.has(commit))
      .map(({ commit, upstream, subject, cves }) => ({
        commit,
        ...(upstream === undefined ? {} : { upstream }),
        subject,
        cves,
      })),
  };
}

/**
 * The `key=value` strings of a module's `.modinfo`. They are looked for by form and not by section: a wrong module then fails
 * the comparison, and nothing here has to parse an ELF file that nobody has vouched for yet.
 */
function moduleInfo(module: Uint8Array): ReadonlyMap<string, string> {
  const text = Buffer.from(module).toString('latin1');
  const found = new Map<string, string>();
  for (const key of ['name', 'livepatch', 'vermagic', 'stays_loaded']) {
    const value = new RegExp(`(?:^|\\0)${key}=([\\x20-\\x7e]{1,256})\\0`).exec(text)?.[1];
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

/** A module whose addresses the kernel may hold on to has no exit function, and says so. */
export function isUnloadable(module: Uint8Array): boolean {
  return moduleInfo(module).get('stays_loaded') !== 'Y';
}

/** A fix as a manifest tells of it. */
export function fixEntry(
  built: EventData<'HotPatchBuilt'>,
  { fixId, subject, cves, paths, upstream, source }: EventData<'FixProposed'>,
  series: readonly SeriesCommit[],
): ManifestInput['fixes'][number] {
  return {
    fixId,
    ...(source.kind === 'commit' ? { commit: source.commit } : {}),
    ...(upstream === undefined ? {} : { upstream }),
    subject,
    cves,
    paths,
    ...broughtOf(built, series),
  };
}

function manifestOf(
  built: EventData<'HotPatchBuilt'>,
  proposed: EventData<'FixProposed'>,
  imported: EventData<'KernelImported'>,
  series: readonly SeriesCommit[],
  reversible: boolean,
): ManifestInput {
  const fix = fixEntry(built, proposed, series);
  return {
    schema: 1,
    kernel: imported.kernel,
    fixes: [fix],
    functions: built.functions,
    loader: { format: 'klp-module', minVersion: 1 },
    module: built.module.name,
    replace: false,
    reversible,
    attestations: standardAttestations([fix]),
  };
}
