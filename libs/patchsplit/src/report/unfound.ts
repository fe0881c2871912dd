import type { StepItem } from '../changelog/changelog.js';
import { subjectKey } from '../select/subject-key.js';
import type { UnfoundEntry, UnfoundReason } from './schema.js';

/** Where an entry came nearest to a hunk that it didn't get, 0…1. */
export interface Nearest {
  readonly path: string;
  readonly belief: number;
}

/** What is known of entries without commits. */
export interface UnfoundContext {
  /** All entries of the step, in order. */
  readonly items: readonly StepItem[];
  /** Subjects of the entries before the step. */
  readonly earlier: readonly string[];
  /** By subject. */
  readonly nearest: ReadonlyMap<string, Nearest>;
  /** What candidates tell, where there are any of the subject. */
  readonly byCandidates?: (item: StepItem) => { readonly why: UnfoundReason; readonly detail: string } | undefined;
}

/** A hunk that an entry claims with so much belief, and doesn't get, is contested. */
const contested = 0.15;
/** With so much it would have been its own, if its names or words stood there. */
const clear = 0.7;

/** Says of each entry that has no commit why that may be; nothing is known beyond doubt without its upstream commit. */
export function unfoundEntries(found: ReadonlySet<StepItem>, context: UnfoundContext): UnfoundEntry[] {
  const earlier = new Set(context.earlier.map(subjectKey));
  const first = new Map<string, StepItem>();
  for (const item of context.items) {
    const key = subjectKey(item.subject);
    if (!first.has(key)) first.set(key, item);
  }
  return context.items
    .filter((item) => !found.has(item))
    .map((item) => {
      const { subject, version, cves } = item;
      const twin = first.get(subjectKey(subject));
      const { why, detail } =
        context.byCandidates?.(item) ??
        (twin === item ? byWords(item, first, earlier, context.nearest) : repeated(twin, found));
      return { entry: subject, version, cves, why, detail };
    });
}

type Why = Pick<UnfoundEntry, 'why' | 'detail'>;

function repeated(twin: StepItem | undefined, found: ReadonlySet<StepItem>): Why {
  const detail = 'the changelog has the same line twice, and the words do not tell which change is whose';
  return { why: 'ambiguous', detail: twin && found.has(twin) ? `${detail}: all went to the first` : detail };
}

function byWords(
  { subject }: StepItem,
  items: ReadonlyMap<string, StepItem>,
  earlier: ReadonlySet<string>,
  nearest: ReadonlyMap<string, Nearest>,
): Why {
  const reverted = /^Revert "(.+)"$/.exec(subject)?.[1];
  if (reverted !== undefined && items.has(subjectKey(reverted))) {
    return { why: 'overwritten', detail: 'it reverts another entry of the step: neither shows' };
  }
  if (items.has(subjectKey(`Revert "${subject}"`))) {
    return { why: 'overwritten', detail: 'another entry of the step reverts it' };
  }
  if (earlier.has(subjectKey(subject))) {
    return { why: 'already-in-a', detail: 'an entry before the step has the same words' };
  }
  const near = nearest.get(subject);
  if (near && near.belief >= contested) {
    const path = Buffer.from(near.path, 'latin1').toString('utf8');
    const detail =
      near.belief >= clear
        ? `only its prefix speaks for a change in ${path}, and fits others as well`
        : `a change in ${path} fits it, and other entries or none as well`;
    return { why: 'ambiguous', detail: detail.slice(0, 1024) };
  }
  return { why: 'not-found', detail: 'no change has its names or words where its prefix says' };
}
