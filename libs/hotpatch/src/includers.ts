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
import { kbuildReason } from './compile-objects.js';
import { inPairs } from './in-pairs.js';
import { layoutsFirst } from './layouts/index.js';
import type { BuildStage } from './outcome.js';

export interface Includers {
  /** Objects whose code the headers can change. */
  readonly rules: readonly ObjectRule[];
  /** Of the paths, those that some object of this kernel includes. */
  readonly included: ReadonlySet<string>;
  readonly refusals: readonly Reason[];
  /** The stage that the refusals are of. */
  readonly stage: BuildStage;
}

const publicHeaders = /^(?:arch\/[^/]+\/)?include\//;

/** How far fixes may reach. */
export interface Reach {
  /** More .c files than that aren't looked at: a header of the whole kernel. */
  readonly sources: number;
  /** Objects of this kernel that are preprocessed twice; a second for two or three. */
  readonly includers: number;
  /** More objects than that aren't compiled: it would be a rebuild, and a patch of everything. */
  readonly objects: number;
}

/** What one fix may reach, as often as there are fixes, up to what an hour allows. */
export function reachOf(fixes: number): Reach {
  const times = (one: number, most: number): number => Math.min(one * Math.max(1, fixes), most);
  return { sources: times(3000, 12_000), includers: times(400, 4000), objects: times(100, 2000) };
}

/** So many .c files are tried to find a few that this kernel builds. */
const maxAsked = 60;

/** Of more .c files than that, a few are asked first whether there is any use in asking all. */
const fewSources = 40;

/**
 * Finds the objects whose code a fix's headers can change: the .c files that may include them, of these the objects of
 * this kernel, of these the ones that the compiler says include them, of these the ones that use what differs.
 * @param own objects of .c files that the fix changes itself
 */
export async function includersOf(
  before: Workspace,
  after: Workspace,
  paths: readonly string[],
  own: readonly ObjectRule[],
  reach: Reach,
  onProgress: (what: string) => void,
): Promise<Includers> {
  const none = { rules: [], included: new Set<string>(), stage: 'apply' as const };
  const sources = await sourcesReaching(before, after, paths);
  const unknown = sources === 'unknown' ? paths.filter((path) => publicHeaders.test(path)) : [];
  if (unknown.length > 0) {
    const reason = 'which objects include it isn’t known: the source can’t be walked';
    return {
      ...none,
      refusals: unknown.map((path) => ({ code: 'header-reaches-unknown-objects', reason, object: path })),
    };
  }
  if (sources !== 'unknown' && sources.size > fewSources) {
    onProgress(`layouts in ${paths.join(', ')}`);
    const { layouts, failure } = await layoutsFirst(before, after, paths, nearest(before, own, sources));
    if (failure !== undefined) return { ...none, refusals: [kbuildReason(failure.error)], stage: 'compile' };
    if (layouts.length > 0) return { ...none, refusals: layouts, stage: 'diff' };
  }
  if (sources !== 'unknown' && sources.size > reach.sources)
    return { ...none, refusals: [tooMany(paths, `${sources.size} source files`)] };
  const found = sources === 'unknown' ? await beside(before, paths) : await builtOf(before, sources, onProgress);
  if (found.rules.length > reach.includers)
    return { ...none, refusals: [tooMany(paths, `${found.rules.length} objects`)] };
  const included = new Set<string>();
  const rules: ObjectRule[] = [];
  const refusals = found.shared.map((object): Reason => {
    return { code: 'in-several-modules', reason: 'the object is linked into several modules', object };
  });
  let done = 0;
  await inPairs(found.rules, async (rule) => {
    // It is too many already, however many more there are.
    if (rules.length > reach.objects) return;
    onProgress(`${(done += 1)} of ${found.rules.length} objects that may include ${paths.join(', ')}`);
    const [old, now] = await Promise.all([preprocess(before, rule), preprocess(after, rule)]);
    const hits = paths.filter((path) => [old, now].some((one) => one === undefined || one.files.has(path)));
    for (const path of hits) included.add(path);
    if (hits.length > 0 && (!old || !now || codeMayDiffer(old.text, now.text))) rules.push(rule);
  });
  return { rules: rules.sort(byObject), included, refusals, stage: 'apply' };
}

/** The fix's own objects, then those of the sources that this kernel builds, who includes the headers directly first. */
async function* nearest(
  before: Workspace,
  own: readonly ObjectRule[],
  sources: ReadonlySet<string>,
): AsyncGenerator<ObjectRule> {
  yield* own;
  const seen = new Set(own.map(({ object }) => object));
  let asked = 0;
  for (const object of [...sources].map(objectOf)) {
    if (seen.has(object) || !isPlain(object)) continue;
    if ((asked += 1) > maxAsked) return;
    const rule = (await objectRules(before, folderOf(object), [object])).get(object);
    if (rule !== undefined && typeof rule !== 'string') yield rule;
  }
}

/** As objectRules takes them. */
function isPlain(object: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.+/-]*\.o$/.test(object);
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
    for (const [object, rule] of await objectRules(workspace, folder, objects.filter(isPlain))) {
      if (typeof rule !== 'string') rules.push(rule);
      else if (rule === 'in-several-modules') shared.push(object);
    }
  });
  return { rules, shared };
}
