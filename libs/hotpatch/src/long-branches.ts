import { readElf, SymbolType } from '#libs/elf';
import { compileObject, KbuildError, type ObjectRule, type Workspace } from '#libs/kbuild';
import { type ChangedDiff, diffObjects } from '#libs/objdiff';
import type { RunPreMatch } from '#libs/runpre';
import { mismatchesThatMatter } from './matched.js';
import type { BuildRequest } from './outcome.js';

/**
 * The same changes of modules' objects with jump labels of five bytes, which can be led to a test of their key (docs/adr/0010). Short ones are
 * most, and reach no farther than 127 bytes.
 * @returns undefined where the compiler makes something else of the source then: other functions change, or have other names.
 */
export async function withLongBranches(
  request: BuildRequest,
  [before, after]: readonly [Workspace, Workspace],
  rules: readonly ObjectRule[],
  diffs: readonly ChangedDiff[],
  matches: ReadonlyMap<string, RunPreMatch>,
  originals: ReadonlyMap<string, Uint8Array>,
): Promise<readonly ChangedDiff[] | undefined> {
  const longer: ChangedDiff[] = [];
  for (const diff of diffs) {
    const { objectFile, owner } = diff.included;
    const rule = rules.find(({ object }) => object === objectFile);
    const [match, vendors] = [matches.get(objectFile), originals.get(objectFile)];
    if (owner === 'vmlinux') longer.push(diff);
    if (owner === 'vmlinux') continue;
    if (rule === undefined || match === undefined || vendors === undefined) return undefined;
    const compiled = await compileBoth(before, after, rule);
    if (compiled === undefined || namesIn(compiled.original) !== namesIn(vendors)) return undefined;
    const found = diffObjects({ objectFile, owner, ...compiled, sizes: request.profile.tableSizes() });
    if (found.outcome !== 'changed' || !sameNames(found.changed, diff.changed)) return undefined;
    if (mismatchesThatMatter(found, match).length > 0) return undefined;
    longer.push(withOldDigests(found, diff));
  }
  return longer;
}

async function compileBoth(before: Workspace, after: Workspace, rule: ObjectRule) {
  try {
    const [original, patched] = await Promise.all([
      compileObject(before, rule, 'long'),
      compileObject(after, rule, 'long'),
    ]);
    return { original: original.bytes, patched: patched.bytes };
  } catch (error) {
    if (error instanceof KbuildError && error.code !== 'compiler-not-found') return undefined;
    throw error;
  }
}

/** All functions and variables that an object defines: what the compiler made of the source. */
function namesIn(object: Uint8Array): string {
  const own = readElf(object).symbols.filter(
    ({ type, sectionIndex }) => sectionIndex !== 0 && (type === SymbolType.FUNC || type === SymbolType.OBJECT),
  );
  return own
    .map(({ name, type, binding }) => `${name} ${type} ${binding}`)
    .sort()
    .join('\n');
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return [...some].sort().join('\n') === [...others].sort().join('\n');
}

/** What is replaced is the vendor's code. */
function withOldDigests(found: ChangedDiff, vendors: ChangedDiff): ChangedDiff {
  const old = new Map(vendors.functions.map(({ symbol, oldSha256 }) => [symbol, oldSha256]));
  const restore = <T extends { symbol: string; oldSha256: string }>(one: T): T => ({
    ...one,
    oldSha256: old.get(one.symbol) ?? one.oldSha256,
  });
  const { included } = found;
  const replacements = included.replacements.map((one) => ({ ...one, summary: restore(one.summary) }));
  return { ...found, functions: found.functions.map(restore), included: { ...included, replacements } };
}
