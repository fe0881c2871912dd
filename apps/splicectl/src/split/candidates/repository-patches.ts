import { foreignPatches, type PatchShape, TreeError } from '#libs/trees';
import { messagesIn } from './messages-in.js';
import type { Skipped } from './skipped.js';

/** Commits that can't be read, after which the repository counts as unreadable: each costs two more runs of git. */
const maxBroken = 300;

export interface RepositoryPatch {
  readonly id: string;
  /** Absent where an object is missing. */
  readonly message?: string;
}

/** The patches of commits in their order. One whose objects are missing is said, and the next ones are read all the same. */
export async function* patchesOf(
  gitDir: string,
  ids: readonly string[],
  shape: PatchShape,
  skipped: Skipped,
): AsyncGenerator<RepositoryPatch> {
  let next = 0;
  for (let broken = 0; next < ids.length;) {
    try {
      for await (const patch of readFrom(gitDir, ids.slice(next), shape, skipped)) {
        // One that was too large has no message.
        for (; next < ids.length && ids[next] !== patch.id; next++) yield { id: ids[next] ?? '' };
        next += 1;
        yield patch;
      }
      for (; next < ids.length; next++) yield { id: ids[next] ?? '' };
    } catch (error) {
      if (!(error instanceof TreeError)) throw error;
      const id = ids[next] ?? '';
      const alone = await readAlone(gitDir, id, shape, skipped);
      next += 1;
      yield alone;
      if (alone.message !== undefined) continue;
      skipped.add(`left out commit ${id.slice(0, 12)}: ${reasonOf(error)}`);
      if (++broken < maxBroken) continue;
      skipped.add(`more than ${maxBroken} commits could not be read; ${ids.length - next} were not tried`);
      return;
    }
  }
}

/** What git began before it broke off is never given: only a message that another follows, or that ends well, is whole. */
async function* readFrom(
  gitDir: string,
  ids: readonly string[],
  shape: PatchShape,
  skipped: Skipped,
): AsyncGenerator<{ id: string; message: string }> {
  for await (const message of messagesIn(foreignPatches(gitDir, ids, shape), skipped)) {
    const id = /^From ([0-9a-f]{40,64}) /.exec(message)?.[1];
    if (id !== undefined) yield { id, message };
  }
}

async function readAlone(gitDir: string, id: string, shape: PatchShape, skipped: Skipped): Promise<RepositoryPatch> {
  try {
    for await (const patch of readFrom(gitDir, [id], shape, skipped)) return patch;
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
  }
  return { id };
}

function reasonOf({ message }: TreeError): string {
  const missing = /unable to read (?:tree |blob )?\(?([0-9a-f]{40,64})/.exec(message)?.[1];
  return missing === undefined ? message.slice(0, 300) : `the repository lacks object ${missing.slice(0, 12)}`;
}
