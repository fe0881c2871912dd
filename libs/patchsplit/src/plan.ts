import type { StepItem } from './changelog/changelog.js';
import { attribute, type Attribution, type Claim } from './evidence/attribute.js';
import type { FileDelta } from './hunks/delta.js';

/** The hunks of one file (indexes into its delta, ascending) that a commit has. */
export interface PlannedChange {
  readonly file: number;
  readonly hunks: readonly number[];
}

export interface PlannedCommit {
  /** The changelog item that it is; absent for a remainder. */
  readonly item?: StepItem;
  /** Subsystem of a remainder: about two components of the path. */
  readonly label?: string;
  /** 0…1; 0 for a remainder. Never 1: nothing but the changelog's words was to be had. */
  readonly confidence: number;
  readonly changes: readonly PlannedChange[];
}

/** Without the upstream's own commits nothing is certain. */
const maxConfidence = 0.9;
/** Of a hunk that only its path or its neighbours speak for: such ones are often another commit's. */
const unnamedFactor = 0.7;

/**
 * Divides what changed among the changelog's items, each hunk to exactly one commit: the items that found hunks in their order,
 * then the remainders by subsystem.
 */
export function planSplit(files: readonly FileDelta[], items: readonly StepItem[]): readonly PlannedCommit[] {
  // The same line twice can't be told apart: its hunks go to the first.
  const subjects = new Map<string, StepItem>();
  for (const item of items) if (!subjects.has(item.subject)) subjects.set(item.subject, item);
  const attribution = attribute(files, [...subjects.keys()]);
  const bySubject = [...subjects.values()].map((): number[] => []);
  const byLabel = new Map<string, number[]>();
  for (const [index, { file }] of attribution.hunks.entries()) {
    const claim = attribution.claims[index];
    if (claim) bySubject[claim.subject]?.push(index);
    else push(byLabel, labelOf(files[file]?.path ?? ''), index);
  }
  const attributed = [...subjects.values()].flatMap((item, subject): PlannedCommit[] => {
    const own = bySubject[subject] ?? [];
    if (own.length === 0) return [];
    return [{ item, confidence: confidenceOf(own, attribution), changes: changesOf(own, attribution) }];
  });
  const remainders = [...byLabel]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, own]): PlannedCommit => ({ label, confidence: 0, changes: changesOf(own, attribution) }));
  return [...attributed, ...remainders];
}

/** `drivers/net` of `drivers/net/ethernet/x.c`, `kernel` of `kernel/params.c`, `top level` of `Makefile`. */
export function labelOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders.length === 0 ? 'top level' : folders.slice(0, 2).join('/').slice(0, 256);
}

function confidenceOf(own: readonly number[], { claims }: Attribution): number {
  const held = own.map((index) => claims[index]).filter((claim): claim is Claim => claim !== undefined);
  const sum = held.reduce((total, { belief, named }) => total + belief * (named ? 1 : unnamedFactor), 0);
  return Math.round(maxConfidence * (sum / held.length) * 1000) / 1000;
}

function changesOf(own: readonly number[], { hunks }: Attribution): PlannedChange[] {
  const byFile = new Map<number, number[]>();
  for (const index of own) {
    const place = hunks[index];
    if (place) push(byFile, place.file, place.hunk);
  }
  return [...byFile].map(([file, list]) => ({ file, hunks: list }));
}

function push<K>(lists: Map<K, number[]>, key: K, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
