import type { GitId } from '#libs/contracts';
import type { Git } from './git.js';
import { type TreeChange, type TreeEntry, TreeError, type TreeMode } from './port.js';

/** A version of a file in a change. */
type Side = NonNullable<TreeChange['before']>;

const modes: ReadonlySet<string> = new Set<TreeMode>(['100644', '100755', '120000']);
const noMode = '000000';
/** Beyond this many paths it is quicker to list all and choose. */
const maxListedPaths = 500;

/** Lists the files of a tree, or those at or below the given paths ('' is the root), sorted by path. */
export async function listTree(git: Git, tree: GitId, under?: readonly string[]): Promise<TreeEntry[]> {
  const wanted = under?.map((path) => path.replace(/\/+$/, ''));
  const all = wanted === undefined || wanted.includes('');
  // Arguments reach git as UTF-8; names of other bytes are chosen here.
  const plain = !all && wanted.length <= maxListedPaths && wanted.every((path) => /^[\u0020-\u007e]+$/.test(path));
  const output = await git.run(['ls-tree', '-r', '-z', '--full-tree', tree, ...(plain ? ['--', ...wanted] : [])]);
  const entries = recordsOf(output).map(parseEntry);
  if (all) return entries;
  const chosen = new Set(wanted);
  return entries.filter(({ path }) => chosen.has(path) || foldersOf(path).some((folder) => chosen.has(folder)));
}

/** The folders that a path lies in, the innermost first. */
export function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) folders.push(path.slice(0, end));
  return folders;
}

/** What differs between two trees, sorted by path; a moved file is one that vanishes and one that appears. */
export async function diffTrees(git: Git, before: GitId, after: GitId): Promise<TreeChange[]> {
  const output = await git.run(['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index', before, after]);
  const records = recordsOf(output);
  const changes: TreeChange[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const [oldMode = '', newMode = '', oldBlob = '', newBlob = ''] = (records[at] ?? '').slice(1).split(' ');
    changes.push({
      path: records[at + 1] ?? '',
      ...side('before', oldMode, oldBlob),
      ...side('after', newMode, newBlob),
    });
  }
  return changes;
}

function side(name: 'before' | 'after', mode: string, blob: string): { before?: Side; after?: Side } {
  return mode === noMode ? {} : { [name]: { mode: modeOf(mode), blob } };
}

function recordsOf(output: Buffer): string[] {
  return output.toString('latin1').split('\0').slice(0, -1);
}

function parseEntry(record: string): TreeEntry {
  const [, mode = '', blob = '', path = ''] = /^(\d+) \w+ ([0-9a-f]{40})\t([^]*)$/.exec(record) ?? [];
  return { path, mode: modeOf(mode), blob };
}

function modeOf(mode: string): TreeMode {
  if (modes.has(mode)) return mode as TreeMode;
  throw new TreeError('tree-store-failed', `a tree with an entry of mode ${mode}, which no source tree has`);
}
