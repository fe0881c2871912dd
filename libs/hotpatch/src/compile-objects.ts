import type { Reason } from '#libs/contracts';
import { type CompiledObject, compileObject, KbuildError, type ObjectRule, type Workspace } from '#libs/kbuild';
import { inPairs } from './in-pairs.js';
import { checkTypes } from './layouts/index.js';
import type { BuildRequest, BuiltObject } from './outcome.js';

/** What a compiler says of the source before the fix begins so: no other commit could help. */
export const unchangedSource = 'the vendor’s source, unchanged: ';

/** So many objects are compiled whatever comes of them: who reads the reasons wants all of them. */
const fewObjects = 8;
/** With so many objects that don't compile, the others are left. */
const maxFailed = 4;

export interface CompiledObjects {
  /** In the order of the rules. */
  readonly objects: readonly BuiltObject[];
  readonly failures: readonly Reason[];
  /** Says that some weren't compiled, because the fix is refused whatever they are. */
  readonly left: readonly Reason[];
}

interface Job {
  readonly at: number;
  readonly rule: ObjectRule;
  readonly side: 'original' | 'patched';
}

/**
 * Compiles objects before and after a fix, two compilers at a time. Of many objects the rest is left as soon as one shows that there
 * will be no patch: a structure whose layout changes is in all of them.
 */
export async function compileObjects(
  request: BuildRequest,
  before: Workspace,
  after: Workspace,
  rules: readonly ObjectRule[],
): Promise<CompiledObjects> {
  const { profile, onProgress, originals = new Map<string, CompiledObject>() } = request;
  const halves = rules.map((): Partial<Record<Job['side'], Buffer>> => ({}));
  const failures = rules.map((): Reason[] => []);
  const objects: BuiltObject[] = [];
  let isSettled = false;
  const jobs = rules.flatMap((rule, at): Job[] => [
    { at, rule, side: 'original' },
    { at, rule, side: 'patched' },
  ]);
  const compile = async ({ rule, side }: Job): Promise<Buffer> => {
    if (side === 'patched') return (await compileObject(after, rule)).bytes;
    const original = originals.get(rule.object) ?? (await compileObject(before, rule));
    originals.set(rule.object, original);
    return original.bytes;
  };
  await inPairs(jobs, async (job) => {
    const { at, rule, side } = job;
    const half = halves[at];
    if (isSettled || half === undefined) return;
    if (side === 'original') onProgress?.('compile', rule.object);
    try {
      half[side] = await compile(job);
    } catch (error) {
      failures[at]?.push(failureOf(error, side));
    }
    const { original, patched } = half;
    if (original && patched) {
      const object = { path: rule.object, owner: rule.owner, original, patched };
      objects[at] = object;
      if (rules.length > fewObjects) isSettled ||= checkTypes(profile, [object]).reasons.some(isDecisive);
    }
    isSettled ||= rules.length > fewObjects && failures.filter((some) => some.length > 0).length >= maxFailed;
  });
  const done = rules.filter((_, at) => objects[at] !== undefined || (failures[at]?.length ?? 0) > 0).length;
  const left = rules.length - done;
  const reason = `${left} of ${rules.length} objects weren’t compiled any more`;
  return {
    objects: objects.filter((object) => object !== undefined),
    failures: failures.flat(),
    left: left > 0 ? [{ code: 'more-reasons', reason }] : [],
  };
}

function isDecisive({ code }: Reason): boolean {
  return code === 'layout-changed' || code === 'enum-changed';
}

function failureOf(error: unknown, side: Job['side']): Reason {
  if (!(error instanceof KbuildError) || error.code === 'compiler-not-found') throw error;
  return kbuildReason(error, side === 'original' ? unchangedSource : '');
}

/** The reason that an error of the compiling is. */
export function kbuildReason(error: KbuildError, before = ''): Reason {
  return { code: error.code, reason: `${before}${error.message}`.slice(0, 4096), object: error.path };
}
