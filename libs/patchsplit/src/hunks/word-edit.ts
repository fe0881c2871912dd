type Counts = ReadonlyMap<string, number>;

/** What a change of a few lines does to their words and signs, wherever in them: which go, and which come. */
export interface WordEdit {
  readonly gone: Counts;
  readonly come: Counts;
}

/** Of more lines the words are too many to tell. */
const maxLines = 6;
const maxLength = 2000;

/** Undefined where nothing is put in the place of anything, or too much. */
export function wordEditOf(removed: readonly string[], added: readonly string[]): WordEdit | undefined {
  if (removed.length === 0 || added.length === 0 || removed.length + added.length > maxLines) return undefined;
  const [old, fresh] = [wordsOf(removed), wordsOf(added)];
  const edit = { gone: without(old, fresh), come: without(fresh, old) };
  return edit.gone.size + edit.come.size === 0 ? undefined : edit;
}

/** The same for edits that are the same. */
export function wordEditKey({ gone, come }: WordEdit): string {
  return `${sideKey(gone)}\n\n${sideKey(come)}`;
}

function sideKey(counts: Counts): string {
  return [...counts]
    .map(([word, count]) => `${count} ${word}`)
    .sort()
    .join('\n');
}

/** The share that two edits have in common, 0…1. */
export function editLikeness(a: WordEdit, b: WordEdit): number {
  const common = commonOf(a.gone, b.gone) + commonOf(a.come, b.come);
  return (2 * common) / (sizeOf(a.gone) + sizeOf(a.come) + sizeOf(b.gone) + sizeOf(b.come));
}

function wordsOf(lines: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const line of lines) {
    for (const word of line.slice(0, maxLength).match(/\w+|[^\w\s]/g) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function without(more: Counts, less: Counts): Counts {
  const rest = [...more].map(([word, count]) => [word, count - (less.get(word) ?? 0)] as const);
  return new Map(rest.filter(([, count]) => count > 0));
}

function commonOf(a: Counts, b: Counts): number {
  let common = 0;
  for (const [word, count] of a) common += Math.min(count, b.get(word) ?? 0);
  return common;
}

function sizeOf(counts: Counts): number {
  let size = 0;
  for (const count of counts.values()) size += count;
  return size;
}
