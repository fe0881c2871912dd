import type { Manifest } from '../manifest.js';
import { payloadPathOf } from '../manifest.js';
import { buildTypes, predicateTypes, type ObjectDiff, type Provenance, type Recomposition } from './predicates.js';
import { type Statement, statementType } from './statement.js';

const tree = (digit: string): { gitTree: string } => ({ gitTree: digit.repeat(40) });

/** What is true of a manifest, by kind. */
export function statementsOf(manifest: Manifest): Record<keyof typeof predicateTypes, Statement> {
  const { fixes, functions, kernel, level } = manifest;
  const provenance: Provenance = {
    buildDefinition: {
      buildType: level === undefined ? buildTypes.fix : buildTypes.level,
      externalParameters: {
        kernel,
        fixIds: fixes.map(({ fixId }) => fixId),
        ...(level === undefined ? {} : { level }),
      },
      internalParameters: { compiler: 'gcc-12', runPre: { matched: 1, checked: 1 } },
      resolvedDependencies: [{ name: 'source', digest: tree('1') }],
    },
    runDetails: {
      builder: { id: 'splicecast:builder' },
      metadata: {
        invocationId: 'event-1',
        startedOn: '2026-01-01T00:00:00.000Z',
        finishedOn: '2026-01-01T00:00:01.000Z',
      },
    },
  };
  const recomposition: Recomposition = {
    steps: [
      {
        dropId: 'd1',
        from: tree('1'),
        to: tree('2'),
        replayed: tree('2'),
        head: { gitCommit: '3'.repeat(40) },
        series: { sha256: '4'.repeat(64) },
        commits: 9,
        taken: fixes.flatMap(({ fixId, commit, brings = [] }) => [
          ...(commit === undefined ? [] : [{ fixId, commit, kind: 'attributed' as const }]),
          ...brings.map((one) => ({ fixId, commit: one.commit, kind: 'attributed' as const, brought: true as const })),
        ]),
      },
    ],
  };
  const objectDiff: ObjectDiff = {
    kernel: { release: kernel.release, buildId: kernel.buildId },
    functions: functions.map(({ oldSha256, newSha256, ...rest }) => ({
      ...rest,
      old: { sha256: oldSha256 },
      new: { sha256: newSha256 },
    })),
  };
  const of = (kind: keyof typeof predicateTypes, predicate: object): Statement => ({
    _type: statementType,
    subject: [{ name: payloadPathOf(manifest.module), digest: { sha256: moduleDigestOf(manifest) } }],
    predicateType: predicateTypes[kind],
    predicate: { ...predicate },
  });
  return {
    provenance: of('provenance', provenance),
    recomposition: of('recomposition', recomposition),
    objectDiff: of('objectDiff', objectDiff),
  };
}

function moduleDigestOf({ module, payload }: Manifest): string {
  return payload.find(({ path }) => path === payloadPathOf(module))?.sha256 ?? '';
}
