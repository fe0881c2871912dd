import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessError, run } from '#libs/process';
import { KbuildError } from './errors.js';
import { firstLines } from './first-lines.js';
import { KeptAnswers } from './kept-answers.js';
import type { Workspace } from './workspace.js';

/**
 * The kernel's own scripts/Makefile.build, and after it rules that print what it would have done. It is evaluated folder by
 * folder from the root, as a build of the kernel does, because a folder's flags may come from those above it.
 */
const probe = `include $(srctree)/scripts/Makefile.build
splicecast-folder:
	@printf '%s\\0' '@subdirs' $(subdir-ym) '@builtin' $(patsubst %/built-in.a,%,$(subdir-builtin)) \\
	 '@modular' $(patsubst %/modules.order,%,$(subdir-modorder)) \\
	 '@objects' $(filter %.o,$(real-obj-y) $(lib-y) $(real-obj-m)) '@makefiles' $(MAKEFILE_LIST) '@environment'; env -0
# Objects are no goals: a goal in a folder below makes Makefile.build descend there.
splicecast-rules: $(splicecast-objects)
	@printf '%s\\0' '@makefiles' $(MAKEFILE_LIST)
# Generated parsers aren't there, and aren't needed to print a rule.
%.asn1.c %.asn1.h %.lex.c %.tab.c %.tab.h: ;
$(splicecast-objects): $(obj)/%.o: FORCE
	@printf '%s\\0' '@object' '$@' '$(if $(filter $@,$(real-obj-y) $(lib-y)),y)' '$(part-of-module)' '$(modname)' \\
	 '$(objtool-enabled)' '@compile' $(CC) $(c_flags) '@objtool' $(objtool-args) '@end'
`;
const probeFile = 'splicecast-rules.mk';
const maxMissing = 64;
const maxBeside = 8;

/** A folder as the build would enter it. */
export interface Visit {
  readonly folder: string;
  /** make's variables need-builtin and need-modorder: what of the folder is built at all. */
  readonly builtin: boolean;
  readonly modular: boolean;
  readonly environment: Record<string, string>;
}

/** Where a way down ended, and folders beside the target into which the build goes from there. */
export interface Descent {
  readonly visit: Visit;
  readonly beside: readonly Visit[];
}

/** Written once a workspace: make may be reading it. */
const probes = new WeakMap<Workspace, Promise<void>>();

/** Goes from the root towards the folder as the build would, as far as it would go. */
export async function descend(workspace: Workspace, target: string): Promise<Descent> {
  const written = probes.get(workspace) ?? writeFile(join(workspace.root, probeFile), probe);
  probes.set(workspace, written);
  await written;
  const root = { folder: '.', builtin: true, modular: true, environment: workspace.environment() };
  return await descendFrom(workspace, root, target);
}

async function descendFrom(workspace: Workspace, at: Visit, target: string): Promise<Descent> {
  if (at.folder === target) return { visit: at, beside: [] };
  const lists = await listsOf(workspace, at);
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

/** The folders below, the objects and the environment of a folder. */
export async function listsOf(workspace: Workspace, visit: Visit): Promise<ReadonlyMap<string, readonly string[]>> {
  const kept = await keptOf(workspace, visit);
  const question = '@folder';
  const known = kept.get(question);
  if (known !== undefined) return splitLists(known);
  const words = await evaluate(workspace, visit, ['splicecast-folder']);
  await kept.add(new Map([[question, words]]), makefilesIn(words, visit));
  return splitLists(words);
}

/** What make says of folders, for each workspace: a header's objects are in folders below the same ones. */
const said = new WeakMap<Workspace, Map<string, Promise<KeptAnswers>>>();

/** What make read, and the folder's own Makefile by either of its names. */
export function makefilesIn(words: readonly string[], { folder }: Visit): readonly string[] {
  return [...(splitLists(words).get('@makefiles') ?? []), join(folder, 'Kbuild'), join(folder, 'Makefile')];
}

/** What make has said of a folder. */
export async function keptOf(workspace: Workspace, visit: Visit): Promise<KeptAnswers> {
  const { folder } = visit;
  const all = said.get(workspace) ?? new Map<string, Promise<KeptAnswers>>();
  said.set(workspace, all);
  const kept =
    all.get(folder) ?? KeptAnswers.open(workspace, { ...visit, environment: { ...visit.environment, PATH: '' } });
  all.set(folder, kept);
  return await kept;
}

/**
 * Asks make for goals of the probe in one folder.
 * @throws KbuildError `makefile-failed`, `generated-source`, `timed-out`
 */
export async function evaluate(
  workspace: Workspace,
  visit: Visit,
  goals: readonly string[],
): Promise<readonly string[]> {
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
      const generated = /No rule to make target '([^'\n]+)', needed by '([^'\n]+\.[ch])'/.exec(error.stderr);
      if (generated !== null) {
        const reason = `${generated[2]} is written by the vendor’s build, with ${generated[1]}, and isn’t in the source`;
        throw new KbuildError('generated-source', reason, folder);
      }
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
