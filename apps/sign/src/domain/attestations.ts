import {
  buildTypes,
  type ManifestInput,
  type Material,
  type ObjectDiff,
  payloadPathOf,
  predicateTypes,
  type Provenance,
  type Recomposition,
  type Statement,
  statementType,
  type TakenCommit,
} from '#libs/bundle';
import type { EventData, KernelPackage } from '#libs/contracts';
import { commitsOf, type Step } from './step.js';

/** The run that made a module: the event that it ended with, and who ran it. */
export interface BuildRun {
  readonly eventId: string;
  /** ISO 8601. */
  readonly at: string;
  /** A URI: SLSA's `builder.id`. */
  readonly builderId: string;
}

/** One fix of what was built. */
export interface BuiltFix {
  readonly proposed: EventData<'FixProposed'>;
  readonly brings: readonly { readonly commit: string }[];
  readonly step?: Step;
}

/** All that attestations are made of: facts of the log and digests of blobs, and nobody's word. */
export interface Build {
  readonly input: ManifestInput;
  readonly built: Pick<EventData<'HotPatchBuilt'>, 'module' | 'runPre' | 'durationMs'>;
  readonly run: BuildRun;
  readonly imported: EventData<'KernelImported'>;
  readonly packages: readonly KernelPackage[];
  readonly fixes: readonly BuiltFix[];
  /** The objects that were compiled, where the log has them. */
  readonly objects: EventData<'ObjectsBuilt'>['objects'];
}

/** What is attested of a module. */
export function statementsOf(build: Build): readonly Statement[] {
  const { name, digest } = build.built.module;
  const subject = [{ name: payloadPathOf(name), digest: { sha256: digest } }];
  const of = (predicateType: string, predicate: object): Statement => ({
    _type: statementType,
    subject,
    predicateType,
    predicate: { ...predicate },
  });
  const steps = recompositionOf(build);
  return [
    of(predicateTypes.objectDiff, objectDiffOf(build)),
    of(predicateTypes.provenance, provenanceOf(build)),
    ...(steps === undefined ? [] : [of(predicateTypes.recomposition, steps)]),
  ];
}

function objectDiffOf({ input: { kernel, functions } }: Build): ObjectDiff {
  return {
    kernel: { release: kernel.release, buildId: kernel.buildId },
    functions: functions.map(({ oldSha256, newSha256, ...rest }) => ({
      ...rest,
      old: { sha256: oldSha256 },
      new: { sha256: newSha256 },
    })),
  };
}

function provenanceOf(build: Build): Provenance {
  const { input, built, run, imported, objects } = build;
  const { level } = input;
  return {
    buildDefinition: {
      buildType: level === undefined ? buildTypes.fix : buildTypes.level,
      externalParameters: {
        kernel: input.kernel,
        fixIds: input.fixes.map(({ fixId }) => fixId),
        ...(level === undefined ? {} : { level }),
      },
      internalParameters: { compiler: imported.compiler, runPre: built.runPre },
      resolvedDependencies: materialsOf(build),
    },
    runDetails: {
      builder: { id: run.builderId },
      metadata: {
        invocationId: run.eventId,
        startedOn: new Date(Date.parse(run.at) - built.durationMs).toISOString(),
        finishedOn: new Date(run.at).toISOString(),
      },
      ...(objects.length === 0 ? {} : { byproducts: objects.flatMap(compiled) }),
    },
  };
}

function compiled({ path, original, patched }: EventData<'ObjectsBuilt'>['objects'][number]): Material[] {
  return [
    { name: `original/${path}`, digest: { sha256: original } },
    { name: `patched/${path}`, digest: { sha256: patched } },
  ];
}

function materialsOf({ imported, packages, fixes }: Build): Material[] {
  const trees = new Set(fixes.map(({ proposed }) => proposed.baseTree));
  return [
    ...[...trees].map((gitTree): Material => ({ name: 'source', digest: { gitTree } })),
    ...fixes.flatMap(({ proposed: { fixId, patch, source }, brings }): Material[] => [
      { name: `patch/${fixId}`, digest: { sha256: patch } },
      ...[...(source.kind === 'commit' ? [source] : []), ...brings].map(({ commit }) => ({
        name: `commit/${fixId}`,
        digest: { gitCommit: commit },
      })),
    ]),
    ...packages.map(({ fileName, digest }): Material => ({ name: fileName, digest: { sha256: digest } })),
    { name: 'config', digest: { sha256: imported.config } },
    { name: 'Module.symvers', digest: { sha256: imported.symvers } },
  ];
}

/** Undefined where nothing is from a split drop. */
function recompositionOf({ fixes }: Build): Recomposition | undefined {
  const steps = new Map<string, { readonly step: Step; readonly taken: TakenCommit[] }>();
  for (const fix of fixes) {
    const { step } = fix;
    if (step === undefined || fix.proposed.source.kind !== 'commit') continue;
    const known = steps.get(step.split.dropId) ?? { step, taken: [] };
    known.taken.push(...takenBy(fix));
    steps.set(step.split.dropId, known);
  }
  if (steps.size === 0) return undefined;
  return {
    steps: [...steps.values()].map(({ step: { split, series }, taken }) => ({
      dropId: split.dropId,
      from: { gitTree: split.proof.baseTree },
      to: { gitTree: split.proof.targetTree },
      replayed: { gitTree: split.proof.replayedTree },
      head: { gitCommit: split.head },
      series: { sha256: split.series },
      commits: series.commits.length,
      taken,
    })),
  };
}

/** In the order of the series. */
function takenBy({ proposed: { fixId, source }, brings, step }: BuiltFix): TakenCommit[] {
  const own = source.kind === 'commit' ? source.commit : undefined;
  const brought = new Set(brings.map(({ commit }) => commit));
  return commitsOf(step)
    .filter(({ commit }) => commit === own || brought.has(commit))
    .map(({ commit, upstream, kind }) => ({
      fixId,
      commit,
      ...(upstream === undefined ? {} : { upstream }),
      kind,
      ...(commit === own ? {} : { brought: true as const }),
    }));
}
