// An attestation that is genuine and says something else than the manifest is worth less than none: a reader would believe either.
import { z } from 'zod';
import { BundleError } from '../errors.js';
import { type Manifest, payloadPathOf } from '../manifest.js';
import { objectDiffSchema, predicateTypes, provenanceSchema, recompositionSchema } from './predicates.js';
import type { Statement } from './statement.js';

/**
 * Checks that a statement whose signature holds is of the kind that the manifest names, about this bundle's module, and says what the
 * manifest says. Of a kind that isn't known here only the subject is looked at.
 * @throws BundleError `attestation-malformed`, `attestation-of-another`, `attestation-contradicts`.
 */
export function checkStatement(statement: Statement, predicateType: string, manifest: Manifest): void {
  if (statement.predicateType !== predicateType) {
    throw new BundleError(
      'attestation-of-another',
      `it states ${statement.predicateType}, and the manifest names it for ${predicateType}`,
    );
  }
  checkSubject(statement, manifest);
  const disagreement = agreements[predicateType]?.(statement.predicate, manifest);
  if (disagreement !== undefined) throw new BundleError('attestation-contradicts', disagreement);
}

/** Another bundle's attestation is as genuine as this one's. */
function checkSubject({ subject }: Statement, { module, payload }: Manifest): void {
  const path = payloadPathOf(module);
  const digest = payload.find((part) => part.path === path)?.sha256;
  const [only, ...more] = subject;
  if (more.length === 0 && only?.digest.sha256 === digest) return;
  throw new BundleError('attestation-of-another', `it is about ${only?.digest.sha256}, and the module is ${digest}`);
}

/** Says in words where a predicate and the manifest differ; undefined where they agree. */
type Agreement = (predicate: unknown, manifest: Manifest) => string | undefined;

const agreements: Readonly<Record<string, Agreement>> = {
  [predicateTypes.provenance]: (predicate, manifest) => {
    const { externalParameters } = read(provenanceSchema, predicate).buildDefinition;
    const { kernel, fixIds, level } = externalParameters;
    if (!isSame(kernel, manifest.kernel)) return `it was built for ${kernel.release} (${kernel.buildId})`;
    if (!isSame(fixIds, idsOf(manifest))) return `it was built of the fixes ${fixIds.slice(0, 10).join()}`;
    return level === manifest.level
      ? undefined
      : `it was built as ${level === undefined ? 'no level' : `level ${level}`}`;
  },
  [predicateTypes.objectDiff]: (predicate, manifest) => {
    const { kernel, functions } = read(objectDiffSchema, predicate);
    if (kernel.buildId !== manifest.kernel.buildId || kernel.release !== manifest.kernel.release) {
      return `it compares objects of ${kernel.release} (${kernel.buildId})`;
    }
    if (functions.length !== manifest.functions.length) {
      return `it names ${functions.length} functions, the manifest ${manifest.functions.length}`;
    }
    const said = functions.map(({ old, new: changed, ...rest }) =>
      keyOf({ ...rest, oldSha256: old.sha256, newSha256: changed.sha256 }),
    );
    const known = new Set(said);
    const strange = manifest.functions.find((one) => !known.has(keyOf(one)));
    return strange === undefined && known.size === said.length
      ? undefined
      : `it says nothing, or something else, of ${strange?.symbol ?? 'a function'}`;
  },
  [predicateTypes.recomposition]: (predicate, manifest) => {
    const { steps } = read(recompositionSchema, predicate);
    const open = steps.find(({ to, replayed }) => to.gitTree !== replayed.gitTree);
    if (open !== undefined) return `step ${open.dropId} ends in ${open.replayed.gitTree}, and not in its tree`;
    const said = steps.flatMap(({ taken }) => taken.map(({ fixId, commit }) => `${fixId} ${commit}`));
    const named = manifest.fixes.flatMap(({ fixId, commit, brings = [] }) =>
      [commit, ...brings.map((one) => one.commit)].flatMap((one) => (one === undefined ? [] : `${fixId} ${one}`)),
    );
    return isSame([...new Set(said)].sort(), [...new Set(named)].sort())
      ? undefined
      : 'it takes other commits than the manifest names';
  },
};

function idsOf({ fixes }: Manifest): string[] {
  return fixes.map(({ fixId }) => fixId);
}

function keyOf(one: Manifest['functions'][number]): string {
  const { object, symbol, sympos, objectFile, oldSha256, newSha256, sizeBytes } = one;
  return JSON.stringify([object, symbol, sympos, objectFile, oldSha256, newSha256, sizeBytes]);
}

/** Of values that a schema has given their order of keys. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function read<T>(schema: z.ZodType<T>, predicate: unknown): T {
  const parsed = schema.safeParse(predicate);
  if (parsed.success) return parsed.data;
  throw new BundleError('attestation-malformed', `its predicate is of another shape: ${z.prettifyError(parsed.error)}`);
}
