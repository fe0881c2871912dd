import { type Digest, type EventData, type Fact, fact, type Reason } from '#libs/contracts';
import type { HotPatch, Refusal } from '#libs/hotpatch';

/** Says whether a fix has been built or refused. */
export function isSettled(facts: readonly Fact[]): boolean {
  return facts.some(({ type }) => type === 'HotPatchBuilt' || type === 'HotPatchRefused');
}

/** What a fix's own live patch is called: `splicecast_<first 12 of its id>`. */
export function moduleNameOf(fixId: string): string {
  return `splicecast_${fixId.slice(0, 12).replaceAll('-', '_')}`;
}

/** The refusal of a fix that can't even be applied. */
export function refusedAtApply(reasons: readonly Reason[]): Refusal {
  return { outcome: 'refused', stage: 'apply', reasons, mismatches: [], objects: [] };
}

/** Where the outcome's bytes are in the blob store. */
export interface StoredObject {
  readonly path: string;
  readonly owner: string;
  readonly original: Digest;
  readonly patched: Digest;
}

interface Settling {
  readonly proposed: EventData<'FixProposed'>;
  readonly objects: readonly StoredObject[];
  readonly durationMs: number;
}

/** The facts of a fix that became a live patch. */
export function decideBuilt(
  settling: Settling,
  patch: HotPatch,
  module: { digest: Digest; sizeBytes: number },
): Fact[] {
  const { fixId, kernelId } = settling.proposed;
  return [
    ...objectsBuilt(settling),
    fact('HotPatchBuilt', {
      fixId,
      kernelId,
      module: { name: patch.module.name, ...module },
      functions: patch.functions.map((one) => ({ ...one })),
      runPre: patch.runPre,
      warnings: clipped(patch.warnings),
      ...(patch.brings === undefined || patch.brings.length === 0
        ? {}
        : { brings: patch.brings.map(({ commit, subject, why }) => ({ commit, subject, why: why.slice(0, 2048) })) }),
      durationMs: settling.durationMs,
    }),
  ];
}

/** The facts of a fix that can't become one. */
export function decideRefused(
  settling: Settling,
  { stage, reasons, mismatches }: Omit<Refusal, 'outcome' | 'objects'>,
): Fact[] {
  const { fixId, kernelId } = settling.proposed;
  const differing =
    mismatches.length > 0 ? [fact('RunPreMismatch', { fixId, kernelId, mismatches: clipped(mismatches) })] : [];
  return [
    ...objectsBuilt(settling),
    ...differing,
    fact('HotPatchRefused', { fixId, kernelId, stage, reasons: clipped(reasons), durationMs: settling.durationMs }),
  ];
}

function objectsBuilt({ proposed, objects, durationMs }: Settling): Fact[] {
  if (objects.length === 0) return [];
  return [fact('ObjectsBuilt', { fixId: proposed.fixId, objects: objects.slice(0, 512), durationMs })];
}

/** An event holds at most 1,000 reasons; a compiler can say more. */
function clipped(reasons: readonly Reason[]): Reason[] {
  const kept = reasons.slice(0, reasons.length > 1000 ? 999 : 1000).map((one) => ({
    ...one,
    reason: one.reason.slice(0, 4096),
  }));
  if (reasons.length > 1000) kept.push({ code: 'more-reasons', reason: `and ${reasons.length - 999} more` });
  return kept;
}
