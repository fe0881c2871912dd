import type { Reason } from '#libs/contracts';
import {
  folderObjects,
  folderOf,
  includedFiles,
  type ObjectRule,
  objectOf,
  objectRules,
  type Workspace,
} from '#libs/kbuild';
import type { Touched } from './touched.js';

export interface TouchedObjects {
  readonly rules: readonly ObjectRule[];
  /** Files that this kernel doesn't build, each with why. */
  readonly unbuilt: readonly Reason[];
  readonly refusals: readonly Reason[];
  readonly notices: readonly Reason[];
}

/** More objects than that aren't compiled for one fix: it would be a rebuild, and a patch of everything. */
const maxObjects = 48;

/** Finds the objects that a fix reaches: those of its .c files, and those that include its private headers. */
export async function objectsOf(workspace: Workspace, touched: Touched): Promise<TouchedObjects> {
  const rules = new Map<string, ObjectRule>();
  const unbuilt: Reason[] = [];
  const refusals: Reason[] = [];
  const notices: Reason[] = [];
  const included = [...touched.included];
  for (const [folder, sources] of byFolder(touched.sources)) {
    const found = await objectRules(workspace, folder, sources.map(objectOf));
    for (const source of sources) {
      const rule = found.get(objectOf(source));
      if (rule === undefined || rule === 'not-configured') included.push(source);
      else if (typeof rule !== 'string') rules.set(rule.object, rule);
      else refusals.push({ code: rule, reason: 'the object is linked into several modules', object: objectOf(source) });
    }
  }
  for (const [folder, paths] of byFolder(included)) {
    const reached = new Set<string>();
    for (const rule of await folderObjects(workspace, folder)) {
      const files = await includedFiles(workspace, rule);
      const hits = paths.filter((path) => files.has(path));
      if (hits.length > 0) rules.set(rule.object, rule);
      for (const path of hits) reached.add(path);
    }
    for (const path of paths) {
      if (!reached.has(path)) unbuilt.push({ code: 'not-built', reason: 'this kernel doesn’t build it', object: path });
      else if (!path.endsWith('.c')) {
        const reason = `only objects built in ${folder} were searched for this private header`;
        notices.push({ code: 'private-header', reason, object: path });
      }
    }
  }
  if (rules.size > maxObjects) {
    const reason = `${rules.size} objects are reached, at most ${maxObjects} are built for one fix`;
    refusals.push({ code: 'too-many-objects', reason });
  }
  return { rules: [...rules.values()], unbuilt, refusals, notices };
}

function byFolder(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const folders = new Map<string, string[]>();
  for (const path of paths) folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), path]);
  return folders;
}
