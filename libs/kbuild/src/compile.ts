import { readFile, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { ProcessError, run } from '#libs/process';
import { KbuildError } from './errors.js';
import { firstLines } from './first-lines.js';
import type { ObjectRule } from './folder-rules.js';
import { includeFolders, placeIncludes } from './includes.js';
import { sourceOf, type Workspace } from './workspace.js';

const compileTimeoutMs = 180_000;

export interface CompiledObject {
  readonly rule: ObjectRule;
  /** ELF64 relocatable, after objtool; with BTF, without other debug information. */
  readonly bytes: Buffer;
  /** Files of the source that went into it. */
  readonly sources: ReadonlySet<string>;
}

/**
 * Without it jump labels begin as jumps, which are of two bytes where their target is near; else they are nops of five
 * (arch/x86/include/asm/jump_label.h). Nothing else asks for it.
 */
const longBranches = { file: 'splicecast-long-branches.h', text: '#undef CONFIG_HAVE_JUMP_LABEL_HACK\n' };

/**
 * Compiles one object as the vendor's build does, plus a section for each function and variable, and types as BTF instead of
 * DWARF: neither changes a function's code (a jump out of it may become longer).
 * @param branches `long`: jump labels of five bytes each, which the vendor's code needn't have
 * @throws KbuildError `compile-failed`, `objtool-failed`, `timed-out`, `compiler-not-found`, `too-much`
 */
export async function compileObject(
  workspace: Workspace,
  rule: ObjectRule,
  branches: 'as-vendor' | 'long' = 'as-vendor',
): Promise<CompiledObject> {
  const { compiler, args, source, sources } = await prepare(workspace, rule);
  if (branches === 'long') {
    await writeFile(join(workspace.root, longBranches.file), longBranches.text);
    args.push('-include', `./${longBranches.file}`);
  }
  args.push('-gbtf', '-ffunction-sections', '-fdata-sections', '-c', '-o', rule.object, source);
  await tool(workspace, rule, compiler, args, 'compile-failed');
  if (rule.objtool) {
    const objtool = join(workspace.root, 'tools/objtool/objtool');
    await tool(workspace, rule, objtool, [...rule.objtool, rule.object], 'objtool-failed');
  }
  return { rule, bytes: await readFile(join(workspace.root, rule.object)), sources };
}

/** What an object's source declares. */
export interface DeclaredTypes {
  /** ELF64 relocatable, with BTF of all types, also of those that nothing uses. */
  readonly bytes: Buffer;
  /** Every file that the compiler read, by its own account. */
  readonly files: ReadonlySet<string>;
}

/**
 * Compiles an object for its types alone.
 * @throws KbuildError `compile-failed`, `timed-out`, `compiler-not-found`, `too-much`
 */
export async function compileTypes(workspace: Workspace, rule: ObjectRule): Promise<DeclaredTypes> {
  const { compiler, args, source } = await prepare(workspace, rule);
  const [output, dependencies] = [`${rule.object}.types`, `${rule.object}.types.d`];
  args.push('-gbtf', '-fno-eliminate-unused-debug-types', '-MD', '-MF', dependencies, '-c', '-o', output, source);
  await tool(workspace, rule, compiler, args, 'compile-failed');
  const listed = await readFile(join(workspace.root, dependencies), 'latin1');
  const files = listed.slice(listed.indexOf(':') + 1).split(/[\s\\]+/);
  return { bytes: await readFile(join(workspace.root, output)), files: new Set(files.map((file) => normalize(file))) };
}

/** Brings what the source includes; gives the compiler's arguments without debug information, input and output. */
async function prepare(workspace: Workspace, rule: ObjectRule) {
  const source = sourceOf(rule.object);
  const sources = await placeIncludes(workspace, source, includeFolders(rule.compile));
  const [compiler = '', ...flags] = rule.compile;
  const args = flags.filter((flag) => !/^-g(?:dwarf.*|[0-3]|gdb)?$|^-gz/.test(flag));
  return { compiler, args, source, sources };
}

async function tool(
  workspace: Workspace,
  rule: ObjectRule,
  program: string,
  args: readonly string[],
  code: 'compile-failed' | 'objtool-failed',
): Promise<void> {
  try {
    await run(program, args, { cwd: workspace.root, env: workspace.environment(), timeoutMs: compileTimeoutMs });
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    switch (error.code) {
      case 'program-not-found':
        throw new KbuildError('compiler-not-found', `${error.message}: install it`, rule.object);
      case 'timed-out':
        throw new KbuildError('timed-out', error.message, rule.object);
      default:
        throw new KbuildError(code, firstErrors(error.stderr) || error.message, rule.object);
    }
  }
}

/** The lines in which a compiler says what is wrong; all that it said, where it names nothing. */
function firstErrors(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => /\b(?:fatal )?error:/.test(line));
  return firstLines(lines.length > 0 ? lines.join('\n') : stderr);
}

/** The files of the source that an object's source includes, itself among them, without compiling it. */
export async function includedFiles(workspace: Workspace, rule: ObjectRule): Promise<ReadonlySet<string>> {
  return await placeIncludes(workspace, sourceOf(rule.object), includeFolders(rule.compile));
}
