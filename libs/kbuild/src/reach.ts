import { normalize } from 'node:path';
import { includeIndex, includesIn } from './include-index.js';
import { IncludeGraph } from './include-graph.js';
import { includeFolders } from './includes.js';
import { type HeaderTexts, mentionOf, namesReached, plainText } from './mentions.js';
import type { Workspace } from './workspace.js';

/** So many are asked of the compiler, with no look at what they mention. */
const fewSources = 40;

/** .c files that may include something that a fix changes. */
export type Reach = ReadonlySet<string> | 'unknown';

/**
 * Finds the .c files of the whole source that can have one of the paths in what they compile, before or after the fix, by the
 * text of their `#include` lines: more than there are, never less. `unknown` where the source can't be walked.
 */
export async function sourcesReaching(before: Workspace, after: Workspace, paths: readonly string[]): Promise<Reach> {
  const { walk } = before.source;
  if (walk === undefined) return 'unknown';
  const index = await includeIndex(before.profile, walk);
  const changed = new Map<string, readonly string[]>();
  for (const path of before.changed) {
    const contents = [await before.source.read(path), await after.source.read(path)];
    changed.set(
      path,
      contents.flatMap((content) => (content === undefined ? [] : includesIn(content))),
    );
  }
  const flags = (before.profile.data.kbuild['LINUXINCLUDE'] ?? '').split(/\s+/);
  const always = flags.filter((_, at) => flags[at - 1] === '-include').map((path) => normalize(path));
  // scripts/Makefile.lib includes it into every C object.
  always.push('include/linux/compiler_types.h');
  const graph = new IncludeGraph(index, includeFolders(flags), always, changed);
  return await mentioning(before, after, graph, paths);
}

/** Of all that can include the paths, the sources that can use what differs in them. */
async function mentioning(
  before: Workspace,
  after: Workspace,
  graph: IncludeGraph,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  const files = graph.filesReaching(paths);
  const sources = graph.sourcesReaching(paths);
  if (sources.size <= fewSources || !paths.every((path) => path.endsWith('.h'))) return sources;
  const changed: HeaderTexts[] = [];
  for (const path of paths) {
    const [old, now] = [await before.source.read(path), await after.source.read(path)];
    changed.push({ before: textOf(old), after: textOf(now) });
  }
  const headers: string[] = [];
  const units = new Map<string, string>();
  for (const path of files) {
    if (paths.includes(path)) continue;
    const text = textOf(await before.read(path));
    if (path.endsWith('.c')) units.set(path, text);
    else headers.push(text);
    // What the fix changes elsewhere counts as it will be, too.
    if (before.changed.has(path)) {
      const now = textOf(await after.source.read(path));
      if (path.endsWith('.c')) units.set(path, text + now);
      else headers.push(now);
    }
  }
  const names = namesReached(changed, headers);
  if (names === 'unknown') return sources;
  const mention = mentionOf([...names]);
  const users = [...units].filter(([, text]) => mention(text)).map(([path]) => path);
  return graph.sourcesReaching(users);
}

function textOf(content: Buffer | undefined): string {
  return plainText(content?.toString('latin1') ?? '');
}
