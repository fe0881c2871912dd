import type { Agent } from '../agent.js';
import type { AgentContext } from '../context.js';
import type { Status } from '../domain/status.js';
import { AgentError } from '../errors.js';

/**
 * The status, for everybody: monitoring shouldn't need root. Who may not read the agent's secrets gets what it last left in
 * status.json, corrected by what the kernel says now.
 */
export async function currentStatus(agent: Agent, { state, loader }: AgentContext): Promise<Status> {
  try {
    return await agent.status();
  } catch (error) {
    const isPermission = error instanceof AgentError && (error.cause as NodeJS.ErrnoException)?.code === 'EACCES';
    const left = isPermission ? await state.status.read() : undefined;
    if (left === undefined) throw error;
    const modules = new Set((await loader.loaded()).map(({ module }) => module));
    const applied = left.applied.filter(({ module }) => module !== undefined && modules.has(module));
    if (applied.length === left.applied.length && left.bootId === (await state.bootId())) return left;
    const reason = 'the machine was booted, or a patch taken out, since the agent last looked';
    const advice = 'start `splicecast run`';
    return {
      ...left,
      applied,
      state: 'pending',
      effectiveKernel: undefined,
      reasons: [{ code: 'stale', reason, advice }],
    };
  }
}
