import { type ManifestInput, payloadPathOf, standardAttestations } from '#libs/bundle';
import type { EventData, Fact, LevelContent, Reason } from '#libs/contracts';
import { type BuildRun, type BuiltFix, statementsOf } from './attestations.js';
import { checkBrought, checkModule, fixEntry, isUnloadable, type Verdict } from './evidence.js';
import { last, reason } from './reason.js';
import { checkStep, commitsOf, type Step } from './step.js';

/** What the log and the blob store say of a level that is to be signed. */
export interface LevelEvidence {
  /** The event that asks for a bundle. */
  readonly built: EventData<'LevelBuilt'>;
  readonly level: readonly Fact[];
  readonly kernel: readonly Fact[];
  readonly module: Uint8Array;
  readonly content: LevelContent;
  /** Of each fix of the level, its own stream, and the step that it is a commit of. */
  readonly fixes: ReadonlyMap<string, { readonly facts: readonly Fact[]; readonly step?: Step }>;
  readonly run: BuildRun;
}

/**
 * Says what would be signed. The level takes the place of everything before it, so it must be what was asked for, of fixes that
 * are live patches of this kernel by themselves, and replace all that these replace.
 */
export function examineLevel(evidence: LevelEvidence): Verdict {
  const { built, kernel, module, content } = evidence;
  const imported = last(kernel, 'KernelImported');
  if (imported?.kernelId !== built.kernelId) {
    return { refused: [reason('kernel-unknown', `the kernel ${built.kernelId} was never imported`)] };
  }
  const parts = built.fixIds.map((fixId) => partOf(fixId, evidence));
  const refused = [
    ...checkLevel(evidence),
    ...checkModule(built.module, imported, module),
    ...parts.flatMap((part) => ('refused' in part ? part.refused : [])),
    ...checkFunctions(evidence, parts),
  ];
  if (refused.length > 0) return { refused };
  const sound = parts.flatMap((part) => ('entry' in part ? [part] : []));
  const fixes = sound.map(({ entry }) => entry);
  const input: ManifestInput = {
    schema: 1,
    kernel: imported.kernel,
    fixes,
    functions: content.functions,
    loader: { format: 'klp-module', minVersion: 1 },
    module: built.module.name,
    replace: true,
    level: built.level,
    reversible: isUnloadable(module),
    attestations: standardAttestations(fixes),
  };
  return {
    input,
    payloads: new Map([[payloadPathOf(built.module.name), module]]),
    statements: statementsOf({
      input,
      built,
      run: evidence.run,
      imported,
      packages: last(kernel, 'KernelReceived')?.packages ?? [],
      fixes: sound.map(({ fix }) => fix),
      // A level's own objects are compiled for it and not kept.
      objects: [],
    }),
  };
}

function checkLevel({ built, level, content }: LevelEvidence): Reason[] {
  const proposed = level.find(({ type, data }) => type === 'LevelProposed' && data.level === built.level);
  const recorded = level.some(({ type, data }) => type === 'LevelBuilt' && data.module.digest === built.module.digest);
  if (proposed?.type !== 'LevelProposed' || !recorded) {
    return [reason('level-mismatch', 'the kernel’s own stream of levels does not hold this one')];
  }
  const asked = new Set(proposed.data.fixIds);
  const strange = built.fixIds.filter((fixId) => !asked.has(fixId));
  const doubled = new Set(built.fixIds).size !== built.fixIds.length;
  return [
    ...strange.map((fixId) => reason('level-mismatch', `nobody asked for fix ${fixId} in level ${built.level}`)),
    ...(doubled ? [reason('level-mismatch', 'it holds a fix twice')] : []),
    ...(content.functions.length === built.functions ? [] : [reason('level-mismatch', 'its content is another one')]),
  ];
}

type Part =
  | {
      readonly entry: ReturnType<typeof fixEntry>;
      readonly functions: EventData<'HotPatchBuilt'>['functions'];
      readonly fix: BuiltFix;
    }
  | { readonly refused: readonly Reason[] };

function partOf(fixId: string, { built, fixes }: LevelEvidence): Part {
  const { facts = [], step } = fixes.get(fixId) ?? {};
  const proposed = last(facts, 'FixProposed');
  const patch = last(facts, 'HotPatchBuilt');
  if (proposed === undefined || patch === undefined) {
    return { refused: [reason('fix-unknown', `fix ${fixId} is no live patch by itself`)] };
  }
  if (proposed.kernelId !== built.kernelId || patch.kernelId !== built.kernelId) {
    return { refused: [reason('kernel-mismatch', `fix ${fixId} is for another kernel than the level`)] };
  }
  const refused = [...checkStep(proposed, step), ...checkBrought(patch, commitsOf(step))];
  if (refused.length > 0) return { refused };
  return {
    entry: fixEntry(patch, proposed, commitsOf(step)),
    functions: patch.functions,
    fix: { proposed, brings: patch.brings ?? [], ...(step === undefined ? {} : { step }) },
  };
}

/** A machine that has a fix must not have less of it with the level. */
function checkFunctions({ content }: LevelEvidence, parts: readonly Part[]): Reason[] {
  const replaced = new Set(content.functions.map(functionKey));
  return parts.flatMap((part) =>
    ('functions' in part ? part.functions : [])
      .filter((one) => !replaced.has(functionKey(one)))
      .map((one) => reason('level-lacks-function', `the level does not replace ${one.symbol}, which a fix of it does`)),
  );
}

function functionKey({ object, symbol, sympos }: LevelContent['functions'][number]): string {
  return `${object}/${symbol},${sympos}`;
}
