import { ProcessError, run } from '#libs/process';
import type { Workspace } from './workspace.js';

/** Asked once a workspace, not once a process: a service outlives an upgrade of its compiler. */
const said = new WeakMap<Workspace, Promise<string>>();

/**
 * What the compiler says of its version; empty where there is none. Makefiles ask the compiler what flags it takes, so what make says
 * holds for that version.
 */
export async function compilerVersion(workspace: Workspace): Promise<string> {
  const version = said.get(workspace) ?? ask(workspace);
  said.set(workspace, version);
  return await version;
}

async function ask(workspace: Workspace): Promise<string> {
  const [compiler = '', ...flags] = (workspace.profile.data.kbuild['CC'] ?? '').trim().split(/\s+/);
  try {
    const env = workspace.environment();
    const { stdout } = await run(compiler, [...flags, '--version'], { env, timeoutMs: 10_000 });
    return stdout.toString('latin1').slice(0, 4096);
  } catch (error) {
    if (error instanceof ProcessError) return '';
    throw error;
  }
}
