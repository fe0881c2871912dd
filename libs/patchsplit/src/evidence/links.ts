import type { HunkWords } from './hunk-words.js';
import type { NameUse, SymbolIndex } from './symbol-index.js';

/** Why two hunks seem to belong to the same commit. */
export const linkKinds = [
  /** The next hunk of the file. */ 'next',
  /** A patch would show both as one. */ 'touching',
  /** They stand in the same function. */ 'function',
  /** One rare name comes or goes in both. */ 'fresh',
  /** One rare name is in the changed lines of both. */ 'name',
  /** The same edit. */ 'edit',
  /** One brings a name and the other uses it; or one drops it and the other ceases to use it. */ 'symbol',
  /** One changes how a function is declared, and the other how it is called. */ 'signature',
] as const;
type LinkKind = (typeof linkKinds)[number];

/** A hunk that seems to belong to the same commit. */
export interface Link {
  readonly to: number;
  /** Place in `linkKinds`. */
  readonly kind: number;
  /** 0…1. */
  readonly weight: number;
}

/** An identifier in more changes than this links nothing. */
const maxSharers = 24;
const maxLinksOfKind = 24;
/** Lines between two hunks that a patch would show as one. */
const nearGap = 6;
/** How far ahead hunks of the same function are looked for. */
const maxAhead = 24;

/** Which hunks belong together: by nearness, by function, by rare names in the changed lines of both, by the same edit. */
export function linksOf(hunks: readonly HunkWords[], symbols: SymbolIndex): readonly (readonly Link[])[] {
  const links = hunks.map(() => linkKinds.map(() => new Map<number, number>()));
  const join = (a: number, b: number, kind: LinkKind, weight: number): void => {
    const place = linkKinds.indexOf(kind);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = links[from]?.[place];
      // Reasons add up, as independent ones do.
      if (known) known.set(to, 1 - (1 - (known.get(to) ?? 0)) * (1 - weight));
    }
  };
  joinNeighbours(hunks, join);
  joinSharers(hunks, join);
  joinEdits(hunks, join);
  joinSymbols([...symbols.brought(), ...symbols.dropped()], 'symbol', join);
  joinSymbols(symbols.redeclared(), 'signature', join);
  return links.map((kinds) =>
    kinds.flatMap((known, kind) =>
      [...known]
        .map(([to, weight]) => ({ to, kind, weight }))
        .sort((a, b) => b.weight - a.weight || a.to - b.to)
        .slice(0, maxLinksOfKind),
    ),
  );
}

type Join = (a: number, b: number, kind: LinkKind, weight: number) => void;

function joinNeighbours(hunks: readonly HunkWords[], join: Join): void {
  for (const [index, hunk] of hunks.entries()) {
    for (let next = index + 1; next < hunks.length && next < index + maxAhead; next++) {
      const other = hunks[next];
      if (!other || other.file !== hunk.file) break;
      if (next === index + 1) {
        const gap = Math.max(0, other.at - hunk.at - hunk.removed);
        join(index, next, 'next', 1 / (1 + gap / 20));
        if (gap <= nearGap) join(index, next, 'touching', 1 / (1 + gap / 4));
      }
      if (sharesOne(hunk.functions, other.functions)) join(index, next, 'function', 1);
    }
  }
}

/** A name that comes or goes in both says more than one that lines changed in both only use. */
function joinSharers(hunks: readonly HunkWords[], join: Join): void {
  const sharers = new Map<string, number[]>();
  for (const [index, { changed }] of hunks.entries()) for (const name of changed) push(sharers, name, index);
  for (const [name, list] of sharers) {
    if (list.length < 2 || list.length > maxSharers) continue;
    const weight = (name.includes('_') ? 0.9 : 0.4) / Math.sqrt(list.length - 1);
    for (const [place, a] of list.entries()) {
      for (const b of list.slice(place + 1)) {
        const fresh = hunks[a]?.fresh.has(name) === true && hunks[b]?.fresh.has(name) === true;
        join(a, b, fresh ? 'fresh' : 'name', weight);
      }
    }
  }
}

function joinEdits(hunks: readonly HunkWords[], join: Join): void {
  const sharers = new Map<string, number[]>();
  for (const [index, { edit }] of hunks.entries()) if (edit !== undefined) push(sharers, edit, index);
  for (const list of sharers.values()) {
    if (list.length < 2) continue;
    // Each with the few next to it: an edit may be made a thousand times.
    for (const [place, a] of list.entries()) {
      for (const b of list.slice(place + 1, place + 9)) join(a, b, 'edit', 1 / Math.sqrt(Math.min(8, list.length - 1)));
    }
  }
}

function joinSymbols(uses: readonly NameUse[], kind: LinkKind, join: Join): void {
  for (const { makers, takers } of uses) {
    const weight = 0.95 / Math.sqrt(Math.max(1, takers.length));
    for (const [place, maker] of makers.entries()) {
      for (const taker of takers) if (taker !== maker) join(maker, taker, kind, weight);
      for (const other of makers.slice(place + 1)) join(maker, other, kind, 0.9);
    }
  }
}

function push(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function sharesOne(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const name of a) if (b.has(name)) return true;
  return false;
}
