import { normalize } from 'node:path';
import { moduleNameOf } from '#libs/kernelimage';
import { KbuildError } from './errors.js';
import { descend, evaluate, keptOf, listsOf, makefilesIn, type Visit } from './makefiles.js';
import { folderOf, type Workspace } from './workspace.js';

/** How the vendor's build makes one object. */
export interface ObjectRule {
  /** `fs/fcntl.o` */
  readonly object: string;
  /** Where its code ends up: `vmlinux`, or a module's name. */
  readonly owner: string;
  /** The compiler and its arguments, without input and output. */
  readonly compile: readonly string[];
  /** objtool's arguments; undefined for an object that it doesn't look at. */
  readonly objtool: readonly string[] | undefined;
}

/** Why an object isn't part of the kernel. */
export type Unbuilt = 'not-configured' | 'in-several-modules';

/**
 * Asks the source's Makefiles how the given objects of one folder are made with the kernel's config.
 * @throws KbuildError `makefile-failed`, `timed-out`, `bad-path`
 */
export async function objectRules(
  workspace: Workspace,
  folder: string,
  objects: readonly string[],
): Promise<ReadonlyMap<string, ObjectRule | Unbuilt>> {
  for (const object of objects) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.+/-]*\.o$/.test(object) || folderOf(object) !== folder) {
      throw new KbuildError('bad-path', `not an object of ${folder}: ${object.slice(0, 200)}`, object);
    }
  }
  const rules = new Map<string, ObjectRule | Unbuilt>(objects.map((object) => [object, 'not-configured'] as const));
  const { visit, beside } = await descend(workspace, folder);
  if (visit.folder !== '.')
    for (const [object, rule] of await rulesIn(workspace, visit, objects)) rules.set(object, rule);
  const wanted = (object: string): boolean => rules.get(object) === 'not-configured';
  for (const other of beside) {
    if (!objects.some(wanted)) break;
    for (const [object, rule] of await foreignRules(workspace, other, wanted)) rules.set(object, rule);
  }
  return rules;
}

/**
 * The rules of all C objects that the build makes in a folder (or, where it has no Makefile of its own, in the one above
 * that makes its objects).
 * @throws KbuildError `makefile-failed`, `timed-out`
 */
export async function folderObjects(workspace: Workspace, folder: string): Promise<readonly ObjectRule[]> {
  const { visit, beside } = await descend(workspace, folder);
  const found: (ObjectRule | Unbuilt)[] = [];
  if (visit.folder !== '.') {
    const plain = (await objectsIn(workspace, visit)).filter((object) => !object.includes('/../'));
    found.push(...(await rulesIn(workspace, visit, plain)).values());
  }
  for (const other of beside) {
    const below = (object: string): boolean => object.startsWith(`${folder}/`);
    found.push(...(await foreignRules(workspace, other, below)).values());
  }
  return found.filter((rule) => typeof rule !== 'string');
}

/** The objects of a folder, as its Makefile names them. */
async function objectsIn(workspace: Workspace, visit: Visit): Promise<readonly string[]> {
  const objects = (await listsOf(workspace, visit)).get('@objects') ?? [];
  return [...new Set(objects)].filter((object) => /^[A-Za-z0-9_][A-Za-z0-9_.+/-]*\.o$/.test(object));
}

/**
 * The rules of objects that a folder's Makefile makes of sources in other folders: drivers/gpu/drm/amd/amdgpu makes
 * `…/amdgpu/../amdkfd/kfd_chardev.o`, and all of the display's. By their plain names.
 */
async function foreignRules(
  workspace: Workspace,
  visit: Visit,
  wanted: (object: string) => boolean,
): Promise<ReadonlyMap<string, ObjectRule | Unbuilt>> {
  const names = (await objectsIn(workspace, visit)).filter((name) => name.includes('/../') && wanted(normalize(name)));
  const rules = new Map<string, ObjectRule | Unbuilt>();
  for (const [name, rule] of await rulesIn(workspace, visit, names)) {
    const object = normalize(name);
    rules.set(object, typeof rule === 'string' ? rule : { ...rule, object });
  }
  return rules;
}

async function rulesIn(
  workspace: Workspace,
  visit: Visit,
  objects: readonly string[],
): Promise<ReadonlyMap<string, ObjectRule | Unbuilt>> {
  if (objects.length === 0) return new Map();
  const kept = await keptOf(workspace, visit);
  const missing = objects.filter((object) => kept.get(object) === undefined);
  if (missing.length > 0) {
    const words = await evaluate(workspace, visit, [`splicecast-objects=${missing.join(' ')}`, 'splicecast-rules']);
    await kept.add(recordsIn(words), makefilesIn(words, visit));
  }
  return readRules(
    objects.flatMap((object) => kept.get(object) ?? []),
    visit,
  );
}

/** What make said of each object. */
function recordsIn(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const records = new Map<string, readonly string[]>();
  for (let at = words.indexOf('@object'); at >= 0; at = words.indexOf('@object', at + 1)) {
    records.set(words[at + 1] ?? '', words.slice(at, words.indexOf('@end', at) + 1));
  }
  return records;
}

/** A folder that leads through another (`-I./drivers/gpu/drm/amd/amdgpu/../display/dc`) is found though that one isn't there. */
function straight(word: string): string {
  return word.startsWith('-I') && word.includes('/../') && !word.startsWith('-I/')
    ? `-I./${normalize(word.slice(2))}`
    : word;
}

function readRules(words: readonly string[], visit: Visit): ReadonlyMap<string, ObjectRule | Unbuilt> {
  const rules = new Map<string, ObjectRule | Unbuilt>();
  for (let at = words.indexOf('@object'); at >= 0; at = words.indexOf('@object', at + 1)) {
    const [object = '', builtin, modular, modules = '', objtool] = words.slice(at + 1, at + 6);
    const flagsAt = words.indexOf('@compile', at);
    const objtoolAt = words.indexOf('@objtool', at);
    const end = words.indexOf('@end', at);
    const isBuiltin = builtin === 'y' && visit.builtin;
    const isModular = modular === 'y' && visit.modular && !isBuiltin;
    if (!isBuiltin && !isModular) rules.set(object, 'not-configured');
    else if (isModular && modules.includes(':')) rules.set(object, 'in-several-modules');
    else {
      rules.set(object, {
        object,
        owner: isModular ? moduleNameOf(modules) : 'vmlinux',
        compile: words
          .slice(flagsAt + 1, objtoolAt)
          .filter((word) => !word.startsWith('-Wp,-MMD'))
          .map(straight),
        objtool: objtool === 'y' ? words.slice(objtoolAt + 1, end) : undefined,
      });
    }
  }
  return rules;
}
