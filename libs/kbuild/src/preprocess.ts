import { normalize } from 'node:path';
import { ProcessError, run } from '#libs/process';
import type { ObjectRule } from './folder-rules.js';
import { includeFolders, placeIncludes } from './includes.js';
import { sourceOf, type Workspace } from './workspace.js';

/** What the compiler reads of an object's source. */
export interface Preprocessed {
  readonly text: string;
  /** Every file that the compiler opened, by its own account. */
  readonly files: ReadonlySet<string>;
}

/**
 * Preprocesses an object's source. Lines and counters are all 0: a header that grows by a line must not change everything
 * below that line.
 * @returns undefined where the compiler refuses: compiling will tell why.
 */
export async function preprocess(workspace: Workspace, rule: ObjectRule): Promise<Preprocessed | undefined> {
  const source = sourceOf(rule.object);
  await placeIncludes(workspace, source, includeFolders(rule.compile));
  const [compiler = '', ...flags] = rule.compile;
  const args = [...flags, '-w', '-D__LINE__=0', '-D__COUNTER__=0', '-E', source];
  try {
    const { stdout } = await run(compiler, args, {
      cwd: workspace.root,
      env: workspace.environment(),
      timeoutMs: 60_000,
      maxOutputBytes: 128 * 1024 * 1024,
    });
    const text = stdout.toString('latin1');
    const files = new Set<string>();
    for (const [, file = ''] of text.matchAll(/^# \d+ "([^"\n]+)"/gm)) files.add(normalize(file));
    return { text, files };
  } catch (error) {
    if (error instanceof ProcessError && error.code !== 'program-not-found') return undefined;
    throw error;
  }
}
