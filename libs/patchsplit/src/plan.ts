import type { StepItem } from './changelog/changelog.js';
import { attribute, type Attribution } from './evidence/attribute.js';
import type { Claim } from './evidence/claim.js';
import { inPrecedence } from './evidence/precedence.js';
import type { FileDelta } from './hunks/delta.js';
import { type EvidenceKind, evidenceKinds } from './report/schema.js';
import type { Nearest } from './report/unfound.js';

/** The hunks of one file (indexes into its delta, ascending) that a commit has. */
export interface PlannedChange {
  readonly file: number;
  readonly hunks: readonly number[];
  /** How sure it is of each of `hunks`, 0…1. */
  readonly confidences: readonly number[];
}

export interface PlannedCommit {
  /** The changelog item that it is; absent for a remainder. */
  readonly item?: StepItem;
  /** Subsystem of a remainder: about two components of the path. */
  readonly label?: string;
  /** 0…1; 0 for a remainder. Never 1: nothing but the changelog's words was to be had. */
  readonly confidence: number;
  readonly evidence: readonly EvidenceKind[];
  readonly changes: readonly PlannedChange[];
}

export interface SplitPlan {
  readonly commits: readonly PlannedCommit[];
  /** By subject, where an item came nearest to a hunk. */
  readonly nearest: ReadonlyMap<string, Nearest>;
  /** Whether entries were given only what has their own words (`Attribution.byNamesAlone`). */
  readonly byNamesAlone: boolean;
}

/** Without the upstream's own commits nothing is certain. */
const maxConfidence = 0.97;

/**
 * Divides what changed among the changelog's items, each hunk to exactly one commit: the items that found hunks, in their order as far
 * as each declares names before others use them; then the remainders by subsystem and symbol.
 */
export function planSplit(files: readonly FileDelta[], items: readonly StepItem[]): SplitPlan {
  // The same line twice can't be told apart: its hunks go to the first.
  const subjects = new Map<string, StepItem>();
  for (const item of items) if (!subjects.has(item.subject)) subjects.set(item.subject, item);
  const attribution = attribute(files, [...subjects.keys()]);
  const bySubject = [...subjects.values()].map((): number[] => []);
  const byLabel = new Map<string, number[]>();
  for (const [index, { file }] of attribution.hunks.entries()) {
    const claim = attribution.claims[index];
    if (claim) bySubject[claim.subject]?.push(index);
    else push(byLabel, remainderOf(files[file]?.path ?? '', attribution.groups.get(index)), index);
  }
  const given = [...subjects.values()];
  const order = inPrecedence([...given.keys()], attribution.before);
  const attributed = order.flatMap((subject): PlannedCommit[] => {
    const item = given[subject];
    const own = bySubject[subject] ?? [];
    if (!item || own.length === 0) return [];
    const evidence = evidenceOf(own, attribution);
    return [{ item, evidence, confidence: confidenceOf(own, attribution), changes: changesOf(own, attribution) }];
  });
  const remainders = [...byLabel]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, own]): PlannedCommit => ({
      label,
      confidence: 0,
      evidence: [],
      changes: changesOf(own, attribution),
    }));
  return {
    commits: [...attributed, ...remainders],
    nearest: nearestOf(files, [...subjects.keys()], attribution),
    byNamesAlone: attribution.byNamesAlone,
  };
}

function nearestOf(
  files: readonly FileDelta[],
  subjects: readonly string[],
  { hunks, nearest }: Attribution,
): Map<string, Nearest> {
  return new Map(
    subjects.flatMap((subject, at) => {
      const found = nearest[at];
      const file = found && hunks[found.hunk]?.file;
      if (!found || file === undefined) return [];
      return [[subject, { path: files[file]?.path ?? '', belief: found.belief }] as const];
    }),
  );
}

/** `drivers/net` of `drivers/net/ethernet/x.c`, `kernel` of `kernel/params.c`, `top level` of `Makefile`. */
export function labelOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders.length === 0 ? 'top level' : folders.slice(0, 2).join('/').slice(0, 256);
}

/** The remainder's label: its subsystem and, of changes that one name joins, that name. */
function remainderOf(path: string, name: string | undefined): string {
  return name === undefined ? labelOf(path) : `${labelOf(path)}: ${name}`.slice(0, 256);
}

function evidenceOf(own: readonly number[], { claims }: Attribution): EvidenceKind[] {
  const found = new Set(own.map((index) => kindOf(claims[index])));
  return evidenceKinds.filter((kind) => found.has(kind));
}

function kindOf(claim: Claim | undefined): EvidenceKind {
  return claim?.by === 'names' || claim?.by === 'path' ? claim.by : 'linked';
}

function confidenceOf(own: readonly number[], { claims }: Attribution): number {
  return sureness(own.reduce((total, index) => total + (claims[index]?.belief ?? 0), 0) / own.length);
}

function sureness(belief: number): number {
  return Math.round(Math.min(maxConfidence, belief) * 1000) / 1000;
}

function changesOf(own: readonly number[], { hunks, claims }: Attribution): PlannedChange[] {
  const byFile = new Map<number, number[]>();
  for (const index of own) {
    const place = hunks[index];
    if (place) push(byFile, place.file, index);
  }
  return [...byFile].map(([file, list]) => ({
    file,
    hunks: list.map((index) => hunks[index]?.hunk ?? 0),
    confidences: list.map((index) => sureness(claims[index]?.belief ?? 0)),
  }));
}

function push<K>(lists: Map<K, number[]>, key: K, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
