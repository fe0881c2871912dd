import { join, normalize } from 'node:path';
import type { Workspace } from './workspace.js';

/** Folders that a compile command searches for includes, in order. */
export function includeFolders(compile: readonly string[]): readonly string[] {
  const folders: string[] = [];
  for (const [i, word] of compile.entries()) {
    const next = compile[i + 1];
    if (word === '-I' || word === '-iquote' || word === '-isystem') {
      if (next !== undefined) folders.push(next);
    } else if (word.startsWith('-I')) folders.push(word.slice(2));
  }
  return folders.map((folder) => normalize(folder)).filter((folder) => !folder.startsWith('/'));
}

const directive = /^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]/gm;

/** A header of 24 MB is included by hundreds of objects: each content is read through once. */
const known = new WeakMap<Buffer, readonly (readonly [quote: string, name: string])[]>();

function includesOf(content: Buffer): readonly (readonly [quote: string, name: string])[] {
  const found =
    known.get(content) ??
    [...content.toString('latin1').matchAll(directive)].map(([, quote = '', name = '']) => [quote, name] as const);
  known.set(content, found);
  return found;
}

/**
 * Brings a source file and every file of the source that it includes, at any depth, into the workspace. Conditions are not
 * looked at: a file too many does no harm.
 * @returns paths of the files that came from the source.
 */
export async function placeIncludes(
  workspace: Workspace,
  source: string,
  folders: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const waiting = [normalize(source)];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const content = await workspace.place(path);
    if (content === undefined || found.has(path)) continue;
    found.add(path);
    for (const [quote, name] of includesOf(content)) {
      if (name.startsWith('/')) continue;
      const places = [...(quote === '"' ? [join(path, '..')] : []), ...folders];
      for (const place of places) {
        const candidate = normalize(join(place, name));
        if (candidate.startsWith('..')) continue;
        if (await workspace.linked(candidate)) break;
        if (await workspace.place(candidate)) {
          waiting.push(candidate);
          break;
        }
      }
    }
  }
  return found;
}
