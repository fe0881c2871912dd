import { writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { moduleNameOf } from '#libs/kernelimage';
import { ProcessError, run } from '#libs/process';
import { KbuildError } from './errors.js';
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
 * The kernel's own scripts/Makefile.build, and after it rules that print what it would have done. It is evaluated folder by
 * folder from the root, as a build of the kernel does, because a folder's flags may come from those above it.
 */
const probe = `include $(srctree)/scripts/Makefile.build
splicecast-folder:
	@printf '%s\\0' '@subdirs' $(subdir-ym) '@builtin' $(patsubst %/built-in.a,%,$(subdir-builtin)) \\
	 '@modular' $(patsubst %/modules.order,%,$(subdir-modorder)) \\
	 '@objects' $(filter %.o,$(real-obj-y) $(lib-y) $(real-obj-m)) '@environment'; env -0
# Objects are no goals: a goal in a folder below makes Makefile.build descend there.
splicecast-rules: $(splicecast-objects)
	@:
# Generated parsers aren't there, and aren't needed to print a rule.
%.asn1.c %.asn1.h %.lex.c %.tab.c %.tab.h: ;
$(splicecast-objects): $(obj)/%.o: FORCE
	@printf '%s\\0' '@object' '$@' '$(if $(filter $@,$(real-obj-y) $(lib-y)),y)' '$(part-of-module)' '$(modname)' \\
	 '$(objtool-enabled)' '@compile' $(CC) $(c_flags) '@objtool' $(objtool-args) '@end'
`;
const probeFile = 'splicecast-rules.mk';
const maxMissing = 64;
const maxBeside = 8;

interface Visit {
  readonly folder: string;
  /** make's variables need-builtin and need-modorder: what of the folder is built at all. */
  readonly builtin: boolean;
  readonly modular: boolean;
  readonly environment: Record<string, string>;
}

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
  const objects = splitLists(await evaluate(workspace, visit, ['splicecast-folder'])).get('@objects') ?? [];
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
  return readRules(
    await evaluate(workspace, visit, [`splicecast-objects=${objects.join(' ')}`, 'splicecast-rules']),
    visit,
  );
}

/** Where a way down ended, and folders beside the target into which the build goes from there. */
interface Descent {
  readonly visit: Visit;
  readonly beside: readonly Visit[];
}

/** Written once a workspace: make may be reading it. */
const probes = new WeakMap<Workspace, Promise<void>>();

/** Goes from the root towards the folder as the build would, as far as it would go. */
async function descend(workspace: Workspace, target: string): Promise<Descent> {
  const written = probes.get(workspace) ?? writeFile(join(workspace.root, probeFile), probe);
  probes.set(workspace, written);
  await written;
  const root = { folder: '.', builtin: true, modular: true, environment: workspace.environment() };
  return await descendFrom(workspace, root, target);
}

async function descendFrom(workspace: Workspace, at: Visit, target: string): Promise<Descent> {
  if (at.folder === target) return { visit: at, beside: [] };
  const lists = splitLists(await evaluate(workspace, at, ['splicecast-folder']));
  // The deepest: arch/x86/pci is entered from the root, beside arch/x86.
  const [below] = (lists.get('@subdirs') ?? [])
    .filter((folder) => target === folder || target.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
  const visitOf = (folder: string): Visit => ({
    folder,
    builtin: at.builtin && (lists.get('@builtin') ?? []).includes(folder),
    modular: at.modular && (lists.get('@modular') ?? []).includes(folder),
    environment: environmentOf(lists.get('@environment') ?? [], workspace),
  });
  if (below !== undefined) return await descendFrom(workspace, visitOf(below), target);
  // The first step from here towards the target leads to them too: drivers/gpu/drm/amd of drivers/gpu/drm.
  const step = target.slice(0, target.indexOf('/', at.folder === '.' ? 0 : at.folder.length + 1) + 1);
  const beside = (lists.get('@subdirs') ?? []).filter((folder) => step !== '' && folder.startsWith(step));
  return { visit: at, beside: at.folder === '.' ? [] : beside.slice(0, maxBeside).map(visitOf) };
}

/** What make said of folders, for each workspace: a header's objects are in folders below the same ones. */
const said = new WeakMap<Workspace, Map<string, Promise<readonly string[]>>>();

async function evaluate(workspace: Workspace, visit: Visit, goals: readonly string[]): Promise<readonly string[]> {
  const key = [visit.folder, ...goals].join('\0');
  const answers = said.get(workspace) ?? new Map<string, Promise<readonly string[]>>();
  said.set(workspace, answers);
  const answer = answers.get(key) ?? evaluateOnce(workspace, visit, goals);
  answers.set(key, answer);
  return await answer;
}

async function evaluateOnce(workspace: Workspace, visit: Visit, goals: readonly string[]): Promise<readonly string[]> {
  const { folder } = visit;
  for (const name of ['Kbuild', 'Makefile']) await workspace.place(join(folder, name));
  const args = ['-rRs', '--no-print-directory', '-f', probeFile, `obj=${folder}`];
  args.push(`need-builtin=${visit.builtin ? 1 : ''}`, `need-modorder=${visit.modular ? 1 : ''}`, ...goals);
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { stdout } = await run('make', args, {
        cwd: workspace.root,
        env: visit.environment,
        timeoutMs: 30_000,
        maxOutputBytes: 8 * 1024 * 1024,
      });
      return stdout.toString('utf8').split('\0').slice(0, -1);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      // A folder's Makefile may include others (drivers/gpu/drm/amd/…): bring each as make names it.
      const missing = /^\S+:\d+: (\S+): No such file or directory$/m.exec(error.stderr)?.[1];
      if (missing !== undefined && attempt < maxMissing && (await workspace.place(missing))) continue;
      const code = error.code === 'timed-out' ? 'timed-out' : 'makefile-failed';
      throw new KbuildError(code, `${folder}/Makefile: ${error.message}\n${firstLines(error.stderr)}`.trim(), folder);
    }
  }
}

function environmentOf(lines: readonly string[], workspace: Workspace): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals > 0) environment[line.slice(0, equals)] = line.slice(equals + 1);
  }
  for (const own of ['MAKEFLAGS', 'MFLAGS', 'MAKEOVERRIDES', 'MAKELEVEL', 'obj', 'need-builtin', 'need-modorder']) {
    delete environment[own];
  }
  return { ...environment, PATH: workspace.environment()['PATH'] ?? '', PWD: workspace.root };
}

function splitLists(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>();
  let current: string[] = [];
  for (const word of words) {
    if (word.startsWith('@')) lists.set(word, (current = []));
    else current.push(word);
  }
  return lists;
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

/** What a tool said first, cut to what a person reads. */
export function firstLines(text: string): string {
  return text.split('\n').slice(0, 12).join('\n').slice(0, 2000);
}
