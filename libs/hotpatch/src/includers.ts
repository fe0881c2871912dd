import type { Reason } from '#libs/contracts';
import {
  codeMayDiffer,
  folderObjects,
  folderOf,
  type ObjectRule,
  objectOf,
  objectRules,
  preprocess,
  sourcesReaching,
  type Workspace,
} from '#libs/kbuild';
import { inPairs } from './in-pairs.js';

export interface Includers {
  /** Objects whose code the headers can change. */
  readonly rules: readonly ObjectRule[];
  /** Of the paths, those that some object of this kernel includes. */
  readonly included: ReadonlySet<string>;
  readonly refusals: readonly Reason[];
}

const publicHeaders = /^(?:arch\/[^/]+\/)?include\//;

/** More .c files than that aren't looked at for one fix: a header of the whole kernel. */
const maxSources = 3000;
/** Objects of this kernel that are preprocessed twice; a second for two or three. */
const maxIncluders = 400;
/** More objects than that aren't compiled for one fix: it would be a rebuild, and a patch of everything. */
export const maxObjects = 100;

/**
 * Finds the objects whose code a fix's headers can change: the .c files that may include them, of these the objects of
 * this kernel, of these the ones that the compiler says include them, of these the ones that use what differs.
 */
export async function includersOf(
  before: Workspace,
  after: Workspace,
  paths: readonly string[],
  onProgress: (what: string) => void,
): Promise<Includers> {
  const none = { rules: [], included: new Set<string>() };
  const sources = await sourcesReaching(before, after, paths);
  const unknown = sources === 'unknown' ? paths.filter((path) => publicHeaders.test(path)) : [];
  if (unknown.length > 0) {
    const reason = 'which objects include it isn’t known: the source can’t be walked';
    return {
      ...none,
      refusals: unknown.map((path) => ({ code: 'header-reaches-unknown-objects', reason, object: path })),
    };
  }
  if (sources !== 'unknown' && sources.size > maxSources)
    return { ...none, refusals: [tooMany(paths, `${sources.size} source files`)] };
  const found = sources === 'unknown' ? await beside(before, paths) : await builtOf(before, sources, onProgress);
  if (found.rules.length > maxIncluders)
    return { ...none, refusals: [tooMany(paths, `${found.rules.length} objects`)] };
  const included = new Set<string>();
  const rules: ObjectRule[] = [];
  const refusals = found.shared.map((object): Reason => {
    return { code: 'in-several-modules', reason: 'the object is linked into several modules', object };
  });
  let done = 0;
  await inPairs(found.rules, async (rule) => {
    // It is too many already, however many more there are.
    if (rules.length > maxObjects) return;
    onProgress(`${(done += 1)} of ${found.rules.length} objects that may include ${paths.join(', ')}`);
    const [old, now] = await Promise.all([preprocess(before, rule), preprocess(after, rule)]);
    const hits = paths.filter((path) => [old, now].some((one) => one === undefined || one.files.has(path)));
    for (const path of hits) included.add(path);
    if (hits.length > 0 && (!old || !now || codeMayDiffer(old.text, now.text))) rules.push(rule);
  });
  return { rules: rules.sort(byObject), included, refusals };
}

function byObject(a: ObjectRule, b: ObjectRule): number {
  return a.object < b.object ? -1 : 1;
}

function tooMany(paths: readonly string[], count: string): Reason {
  const object = paths[0];
  const advice = 'put the changed code into the .c files that need it, or leave this fix to the next reboot';
  return { code: 'too-many-objects', reason: `${count} may include ${paths.join(', ')}`, object, advice };
}

/** Where the source can't be walked: the objects of the folders of private headers. */
async function beside(workspace: Workspace, paths: readonly string[]): Promise<Built> {
  const rules = new Map<string, ObjectRule>();
  for (const folder of new Set(paths.map(folderOf))) {
    for (const rule of await folderObjects(workspace, folder)) rules.set(rule.object, rule);
  }
  return { rules: [...rules.values()], shared: [] };
}

interface Built {
  readonly rules: readonly ObjectRule[];
  /** Objects that several modules have, each with flags of its own. */
  readonly shared: readonly string[];
}

/** Those of the sources that are objects of this kernel. */
async function builtOf(
  workspace: Workspace,
  sources: ReadonlySet<string>,
  onProgress: (what: string) => void,
): Promise<Built> {
  const folders = new Map<string, string[]>();
  for (const source of sources) {
    const folder = folderOf(source);
    folders.set(folder, [...(folders.get(folder) ?? []), objectOf(source)]);
  }
  const rules: ObjectRule[] = [];
  const shared: string[] = [];
  await inPairs([...folders], async ([folder, objects]) => {
    onProgress(`rules of ${folder}`);
    const plain = objects.filter((object) => /^[A-Za-z0-9_][A-Za-z0-9_.+/-]*\.o$/.test(object));
    for (const [object, rule] of await objectRules(workspace, folder, plain)) {
      if (typeof rule !== 'string') rules.push(rule);
      else if (rule === 'in-several-modules') shared.push(object);
    }
  });
  return { rules, shared };
}
