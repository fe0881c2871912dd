import type { RecordedEvent } from '#libs/eventstore';
import type { Context, Folded, Listed } from './read-model.js';
import type { Placed } from './table.js';

/** A row as it was, from its own `position` on, before another commit changed it. */
export type PastRow = Placed & {
  /** Position of the commit that changed it. */
  readonly until: number;
};

/** What some events make of a read model's rows. */
export interface FoldResult {
  /** The rows as they are now, by key. */
  readonly rows: ReadonlyMap<string, Placed>;
  /** What those were in between, and before. */
  readonly past: readonly PastRow[];
}

/**
 * Folds events into the rows that they change. A commit is the smallest step: what a row was between two events of one commit nobody
 * ever saw.
 * @param known the rows, by key, as they stand before the events
 */
export function foldRows(
  model: Folded<Placed>,
  known: ReadonlyMap<string, Placed>,
  events: readonly RecordedEvent[],
): FoldResult {
  const rows = new Map<string, Placed>();
  const past: PastRow[] = [];
  for (const event of events) {
    const key = model.keyOf(event);
    if (key === undefined) continue;
    const before = rows.get(key) ?? known.get(key);
    if (before !== undefined && before.position < event.position) past.push({ ...before, until: event.position });
    rows.set(key, model.evolve(before, event));
  }
  return { rows, past };
}

/** The rows that events write: of those with an equal key the first, as rows that are written once stay as they are. */
export function listRows(model: Listed<Placed>, events: readonly RecordedEvent[], context: Context): readonly Placed[] {
  const rows = new Map<string, Placed>();
  for (const event of events) {
    for (const row of model.rowsOf(event, context)) {
      const values: Readonly<Record<string, unknown>> = { ...row };
      // Ids, numbers, names of ELF and paths of git: none can hold a NUL. `JSON.stringify` cost as much as all the rest here.
      const key = model.table.key.map((column) => String(values[column])).join('\0');
      if (!rows.has(key)) rows.set(key, row);
    }
  }
  return [...rows.values()];
}
