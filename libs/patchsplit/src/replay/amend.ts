import { isTelling, lineKey, Likeness } from '../hunks/telling.js';
import type { Lineage } from '../weave/lineage.js';
import { never, type ResidualEdit, type WovenLine } from '../weave/line-weave.js';
import { Claims } from './claims.js';
import type { Rejected } from './replay.js';
import type { StepBudget } from './step-budget.js';

/** What one file still lacked after all commits. */
export interface Residual {
  readonly lineage: Lineage;
  readonly edits: readonly ResidualEdit[];
}

/** Two lines as alike as that are versions of one another. */
const alike = 0.5;
/** Residual lines that one is compared with. */
const maxCompared = 100;

/**
 * Gives residual lines to the commits that they are of: what a rejected change has, and what stands in place of a commit's lines
 * that the target doesn't have. Only labels change, never which lines live on.
 * @param label that of the residual. Gives the labels of the commits that were amended, with how many lines.
 */
export function amend(
  residuals: readonly Residual[],
  rejected: readonly Rejected[],
  label: number,
  budget: StepBudget,
): Map<number, number> {
  const amended = new Map<number, number>();
  const count = (owner: number): void => void amended.set(owner, (amended.get(owner) ?? 0) + 1);
  const byLineage = new Map<Lineage | undefined, Rejected[]>();
  for (const one of rejected) {
    const known = byLineage.get(one.lineage);
    if (known) known.push(one);
    else byLineage.set(one.lineage, [one]);
  }
  for (const { lineage, edits } of residuals) {
    const own = [...(byLineage.get(lineage) ?? []), ...(byLineage.get(undefined) ?? [])];
    const claims = new Claims(own);
    const likeness = new Likeness();
    const path = lineage.lastPath ?? '';
    const by: Amending = {
      label,
      count,
      alike: (a, b) => likeness.of(a, b),
      mayCompare: (pairs) => budget.mayCompare(path, pairs),
    };
    for (const edit of edits) {
      takeRejected(edit, claims, by);
      takeReworked(edit, by);
    }
  }
  return amended;
}

interface Amending {
  readonly label: number;
  readonly count: (owner: number) => void;
  readonly alike: (a: string, b: string) => number;
  /** Whether the file's budget has room for so many comparisons. */
  readonly mayCompare: (pairs: number) => boolean;
}

/** Lines that a rejected change has go to its commit, and then what is alike. */
function takeRejected(edit: ResidualEdit, claims: Claims, by: Amending): void {
  for (const one of claims.claimants(edit)) {
    for (const side of ['removed', 'added'] as const) takeSide(edit[side], one[side], side, one.label, by);
  }
}

/** The same lines first; then each line left of the change takes the one that is most like it. */
function takeSide(
  residual: readonly WovenLine[],
  wanted: readonly string[],
  side: 'removed' | 'added',
  owner: number,
  { label, count, alike: likenessOf, mayCompare }: Amending,
): void {
  const keys = new Map<string, number>();
  for (const line of wanted) keys.set(lineKey(line), (keys.get(lineKey(line)) ?? 0) + 1);
  for (const line of residual) {
    const left = keys.get(lineKey(line.text)) ?? 0;
    if (left === 0 || !(isOpen(line, side, label) || isInterim(line, side, owner, label))) continue;
    keys.set(lineKey(line.text), left - 1);
    give(line, side, owner, count);
  }
  for (const [key, left] of residual.length > maxCompared * 4 ? [] : [...keys].slice(0, maxCompared)) {
    if (left === 0 || !isTelling(key)) continue;
    const open = residual.filter((line) => isOpen(line, side, label) && isTelling(line.text)).slice(0, maxCompared);
    if (open.length === 0) return;
    if (!mayCompare(open.length)) return;
    let best: WovenLine | undefined;
    let most = alike;
    for (const line of open) {
      const share = likenessOf(key, line.text);
      if (share > most) [best, most] = [line, share];
    }
    if (best) give(best, side, owner, count);
  }
}

/** Lines of a commit that the target doesn't have were never there; what stands in their place is how the vendor has them. */
function takeReworked(edit: ResidualEdit, { label, count, alike: likenessOf, mayCompare }: Amending): void {
  const owners = new Map<number, WovenLine[]>();
  for (const line of edit.removed) {
    if (line.death !== label || line.birth < 0 || line.birth >= label) continue;
    const lines = owners.get(line.birth);
    if (lines) lines.push(line);
    else owners.set(line.birth, [line]);
  }
  const total = edit.removed.length;
  for (const [owner, lines] of owners) {
    const most = lines.length * 2 > total && edit.added.length <= 3 * lines.length + 2;
    const telling = lines.filter(({ text }) => isTelling(text)).slice(0, maxCompared);
    // Where a whole file was rewritten, likeness of single lines says nothing.
    if (edit.added.length > maxCompared * 4 || !mayCompare(telling.length * edit.added.length)) telling.length = 0;
    for (const line of edit.added) {
      if (!isOpen(line, 'added', label)) continue;
      const near = telling.some(({ text }) => likenessOf(text, line.text) >= alike);
      if (near || most) give(line, 'added', owner, count);
    }
    for (const line of lines) line.birth = never;
  }
}

function isOpen(line: WovenLine, side: 'removed' | 'added', label: number): boolean {
  return side === 'added' ? line.birth === label : line.death === label && line.birth < 0;
}

/** A line of an earlier commit, that a rejected change takes away as it is: it was there between the two. */
function isInterim({ birth, death }: WovenLine, side: 'removed' | 'added', owner: number, label: number): boolean {
  return side === 'removed' && death === label && birth >= 0 && birth < owner;
}

function give(line: WovenLine, side: 'removed' | 'added', owner: number, count: (owner: number) => void): void {
  if (side === 'added') line.birth = owner;
  else line.death = owner;
  count(owner);
}
