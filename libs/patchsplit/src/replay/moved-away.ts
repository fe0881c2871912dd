import { pairAlike } from '../hunks/alike-files.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { Lineage } from '../weave/lineage.js';
import type { VersionTexts } from './version-texts.js';
import type { WovenTree } from './woven-tree.js';

/**
 * Moves a file that the target hasn't to where the target has one of the same lines that no commit made: the vendor renamed it, and its lines are
 * their commits' still. Made anew under its new name they would be nobody's.
 */
export function moveAway(tree: WovenTree, target: VersionTexts, label: number): void {
  const gone = new Map<string, Lineage>();
  for (const lineage of tree.lineages) {
    const path = lineage.place?.path;
    if (path !== undefined && !target.files.has(path)) gone.set(path, lineage);
  }
  if (gone.size === 0) return;
  const came = [...target.files.keys()].filter((path) => !tree.at(path));
  const names = pairAlike(
    new Map([...gone].map(([path, { weave }]) => [path, tellingKeys(weave.live.map(({ text }) => text))])),
    new Map(came.map((path) => [path, tellingKeys(target.linesOf(path) ?? [])])),
  );
  for (const [from, to] of names) {
    const lineage = gone.get(from);
    const fresh = target.files.get(to);
    if (lineage && fresh) tree.move(lineage, label, { path: to, mode: fresh.mode });
  }
}

const tellingKeys = (lines: readonly string[]): Set<string> => new Set(lines.filter(isTelling).map(lineKey));
