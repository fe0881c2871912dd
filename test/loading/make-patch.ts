import { buildFix, type HotPatch } from '#libs/hotpatch';
import { changedTree, type SourceTree } from '#libs/kbuild';
import type { Edit } from './fixes.js';
import type { VendorKernel } from './vendor-kernel.js';

/** The source's own text of a file. */
export async function textOf(source: SourceTree, path: string): Promise<string> {
  const bytes = await source.read(path);
  if (bytes === undefined) throw new Error(`the source has no ${path}`);
  return bytes.toString('latin1');
}

/** A file as an edit leaves it. */
export async function edited(source: SourceTree, { path, from, to }: Edit): Promise<string> {
  const text = await textOf(source, path);
  if (text.split(from).length !== 2) throw new Error(`${path} doesn't have the text to change exactly once`);
  return text.replace(from, () => to);
}

/** Makes a live patch of edits, as the build stage does from a commit. @throws with all reasons if it is refused. */
export async function makePatch(
  { profile, source }: VendorKernel,
  moduleName: string,
  edits: readonly Edit[],
  replace = false,
): Promise<HotPatch> {
  const contents = new Map<string, Buffer>();
  for (const edit of edits) contents.set(edit.path, Buffer.from(await edited(source, edit), 'latin1'));
  const changes = [...contents.keys()].sort().map((path) => ({ path, kind: 'modified' as const }));
  const fix = { base: source, patched: changedTree(source, contents), changes };
  const built = await buildFix({ profile, fix, moduleName, replace, tags: { splicecast_fix: `fix-of-${moduleName}` } });
  if (built.outcome === 'refused') throw new Error(`${moduleName}: ${JSON.stringify(built.reasons)}`);
  return built;
}
