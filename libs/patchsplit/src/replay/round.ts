import type { FilePatch } from '../candidates/candidate.js';
import { isTelling, lineKey } from '../hunks/telling.js';
import type { Choice } from '../select/choose.js';
import type { WovenLine } from '../weave/line-weave.js';
import type { Lineage } from '../weave/lineage.js';
import type { Residual } from './amend.js';
import { moveAway } from './moved-away.js';
import { type Applied, type Outcome, Replay } from './replay.js';
import type { StepBudget } from './step-budget.js';
import type { VersionTexts } from './version-texts.js';

/** What came of replaying a choice of candidates, once. */
export interface Round {
  readonly replay: Replay;
  readonly applied: readonly Applied[];
  readonly residuals: readonly Residual[];
  /** Of each commit: its telling lines that the target hasn't, or has in spite of it. */
  readonly undone: ReadonlyMap<number, number>;
  /** Of each file that is to be closed: which lines are yet to go and to come. */
  readonly lacking: ReadonlyMap<Lineage, Lacking>;
}

export interface Lacking {
  readonly removed: ReadonlySet<string>;
  readonly added: ReadonlySet<string>;
}

/**
 * Replays the choices from the base on and closes every file to the target. Where a file's budget ends it begins again, without
 * what candidates do to that file: half a replay would be worse than none.
 */
export function playRound(
  base: VersionTexts,
  target: VersionTexts,
  choices: readonly Choice[],
  budget: StepBudget,
  anew: ReadonlySet<FilePatch>,
  names: ReadonlyMap<string, string>,
): Round {
  const away = takenAway(choices);
  const outcome: Outcome = {
    inTarget: (path) => target.keysOf(path),
    takenAway: (path) => away.get(path) ?? new Set(),
    hasFile: (path) => target.files.has(path),
  };
  for (;;) {
    const before = budget.leftOut.size;
    budget.beginReplay();
    const replay = new Replay(base.files, outcome, budget, anew, names);
    const applied = choices.map(({ candidate }, label) => replay.apply(candidate, label));
    if (budget.leftOut.size > before) continue;
    const undone = new Map<number, number>();
    // Those that differ and no candidate touched are left to be closed too.
    for (const path of base.files.keys()) if (!isSame(base, target, path)) replay.tree.at(path);
    const residuals = closeAll(replay, target, choices.length, undone);
    return { replay, applied, residuals, undone, lacking: lackingIn(residuals) };
  }
}

/** The telling lines that commits take away, by path. */
function takenAway(choices: readonly Choice[]): Map<string, Set<string>> {
  const away = new Map<string, Set<string>>();
  for (const { from, hunks } of choices.flatMap(({ candidate }) => candidate.files)) {
    if (from === undefined) continue;
    const keys = away.get(from) ?? new Set();
    away.set(from, keys);
    for (const { signs, lines } of hunks) {
      for (const [at, line] of lines.entries()) if (signs[at] === '-' && isTelling(line)) keys.add(lineKey(line));
    }
  }
  return away;
}

const keysOf = (lines: readonly WovenLine[]): string[] => lines.map(({ text }) => lineKey(text));

function lackingIn(residuals: readonly Residual[]): Map<Lineage, Lacking> {
  return new Map(
    residuals.map(({ lineage, edits }) => [
      lineage,
      {
        removed: new Set(edits.flatMap(({ removed }) => keysOf(removed))),
        added: new Set(edits.flatMap(({ added }) => keysOf(added))),
      },
    ]),
  );
}

function isSame(base: VersionTexts, target: VersionTexts, path: string): boolean {
  const [before, after] = [base.files.get(path), target.files.get(path)];
  return before !== undefined && before.mode === after?.mode && before.content.equals(after.content);
}

/** Makes every file the target's; what the target lacks of a commit, or has in spite of it, is counted as undone. */
function closeAll(replay: Replay, target: VersionTexts, label: number, undone: Map<number, number>): Residual[] {
  const residuals: Residual[] = [];
  const undo = (text: string, owner: number): void => {
    if (isTelling(text)) undone.set(owner, (undone.get(owner) ?? 0) + 1);
  };
  for (const path of target.files.keys()) if (!replay.tree.at(path)) replay.tree.revive(path);
  moveAway(replay.tree, target, label);
  for (const lineage of replay.tree.lineages) {
    const path = lineage.place?.path;
    if (path === undefined) continue;
    const fresh = target.files.get(path);
    const edits = lineage.weave.close(target.linesOf(path) ?? [], label, ({ text, death }) => undo(text, death));
    for (const { removed } of edits) for (const { text, birth } of removed) if (birth >= 0) undo(text, birth);
    if (!fresh) replay.tree.move(lineage, label, undefined);
    else if (fresh.mode !== lineage.place?.mode) replay.tree.move(lineage, label, { path, mode: fresh.mode });
    if (edits.length > 0) residuals.push({ lineage, edits });
  }
  return residuals;
}
