import type { Columns, Placed } from '../projections/table.js';

interface Known {
  readonly rows: Map<string, Placed>;
  /** No row of the table is missing here: it was empty at the beginning, and none was dropped. */
  isWhole: boolean;
}

/** What is known of some keys. */
export interface Looked {
  readonly found: ReadonlyMap<string, Placed>;
  /** Keys whose rows, if there are any, are in the table alone. */
  readonly missing: readonly string[];
}

/**
 * The rows that a projection wrote lately, so that it reads back nothing that it knows. One projection writes the tables, and nobody
 * else, so what it wrote last is what stands there; after a write that failed, or may have, everything is forgotten.
 */
export class RowCache {
  private tables = new Map<string, Known>();
  private size = 0;
  private beganEmpty = false;

  /** @param capacity how many rows are kept at most, about a kilobyte each. */
  constructor(private readonly capacity = 50_000) {}

  /** Forgets everything. @param isEmpty whether there are no rows at all in the tables. */
  clear(isEmpty: boolean): void {
    this.tables.clear();
    this.size = 0;
    this.beganEmpty = isEmpty;
  }

  look(table: Columns, keys: ReadonlySet<string>): Looked {
    const { rows, isWhole } = this.of(table);
    const found = new Map<string, Placed>();
    const missing: string[] = [];
    for (const key of keys) {
      const row = rows.get(key);
      if (row !== undefined) found.set(key, row);
      else if (!isWhole) missing.push(key);
    }
    return { found, missing };
  }

  keep(table: Columns, written: ReadonlyMap<string, Placed>): void {
    const { rows } = this.of(table);
    for (const [key, row] of written) {
      // To the end: the first is the one that was written longest ago.
      if (!rows.delete(key)) this.size += 1;
      rows.set(key, row);
    }
    if (this.size > this.capacity) this.shrink();
  }

  /** Takes from each table its share, so that many rows of one don't drive out the few of another that are in use. */
  private shrink(): void {
    const share = this.capacity / 2 / this.size;
    for (const known of this.tables.values()) {
      let surplus = Math.ceil(known.rows.size * (1 - share));
      if (surplus > 0) known.isWhole = false;
      for (const key of known.rows.keys()) {
        if (surplus-- <= 0) break;
        known.rows.delete(key);
        this.size -= 1;
      }
    }
  }

  private of(table: Columns): Known {
    let known = this.tables.get(table.name);
    if (known === undefined) {
      known = { rows: new Map(), isWhole: this.beganEmpty };
      this.tables.set(table.name, known);
    }
    return known;
  }
}
