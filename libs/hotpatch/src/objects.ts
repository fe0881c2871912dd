import type { Reason } from '#libs/contracts';
import { folderOf, type ObjectRule, objectOf, objectRules, onlyCommentsDiffer, type Workspace } from '#libs/kbuild';
import { includersOf, reachOf } from './includers.js';
import type { BuildStage } from './outcome.js';
import type { Touched } from './touched.js';

export interface TouchedObjects {
  readonly rules: readonly ObjectRule[];
  /** Files that this kernel doesn't build, each with why. */
  readonly unbuilt: readonly Reason[];
  readonly refusals: readonly Reason[];
  readonly notices: readonly Reason[];
  /** The stage that the refusals are of. */
  readonly stage: BuildStage;
}

/**
 * Finds the objects that a fix reaches: those of its .c files, and those whose code its headers can change.
 * @param fixes how many are built as one.
 */
export async function objectsOf(
  before: Workspace,
  after: Workspace,
  touched: Touched,
  fixes: number,
  onProgress: (what: string) => void,
): Promise<TouchedObjects> {
  const rules = new Map<string, ObjectRule>();
  const unbuilt: Reason[] = [];
  const refusals: Reason[] = [];
  const notices: Reason[] = [];
  const included: string[] = [];
  const reach = reachOf(fixes);
  for (const path of touched.included) {
    if (await isComment(before, after, path))
      unbuilt.push({ code: 'no-code', reason: 'only comments change', object: path });
    else included.push(path);
  }
  for (const [folder, sources] of byFolder(touched.sources)) {
    const found = await objectRules(before, folder, sources.map(objectOf));
    for (const source of sources) {
      const rule = found.get(objectOf(source));
      if (rule === undefined || rule === 'not-configured') included.push(source);
      else if (typeof rule !== 'string') rules.set(rule.object, rule);
      else refusals.push({ code: rule, reason: 'the object is linked into several modules', object: objectOf(source) });
    }
  }
  if (included.length > 0) {
    const includers = await includersOf(before, after, included, [...rules.values()], reach, onProgress);
    // What is decided already is all that needs to be said: how many objects there are is no matter then.
    if (includers.refusals.length > 0 && includers.stage !== 'apply')
      return { rules: [], unbuilt, refusals: includers.refusals, notices, stage: includers.stage };
    refusals.push(...includers.refusals);
    for (const rule of includers.rules) rules.set(rule.object, rule);
    for (const path of included) {
      if (includers.included.has(path)) continue;
      unbuilt.push({ code: 'not-built', reason: 'this kernel doesn’t build it', object: path });
    }
  }
  if (rules.size > reach.objects) {
    const reason = `${rules.size} objects or more are reached, at most ${reach.objects} are built at once`;
    const headers = touched.included.join(', ').slice(0, 400);
    refusals.push({ code: 'too-many-objects', reason: headers === '' ? reason : `${reason} (${headers})` });
  }
  return { rules: [...rules.values()], unbuilt, refusals, notices, stage: 'apply' };
}

/** include/linux/pci.h, of which a fix changes a comment, is in 16,000 source files. */
async function isComment(before: Workspace, after: Workspace, path: string): Promise<boolean> {
  const [old, now] = await Promise.all([before.source.read(path), after.source.read(path)]);
  return old !== undefined && now !== undefined && onlyCommentsDiffer(old, now);
}

function byFolder(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const folders = new Map<string, string[]>();
  for (const path of paths) folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), path]);
  return folders;
}
