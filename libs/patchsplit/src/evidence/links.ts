import type { HunkWords } from './hunk-words.js';

/** A hunk that seems to belong to the same commit; `weight` 0…1. */
export interface Link {
  readonly to: number;
  readonly weight: number;
}

/** An identifier in more changes than this links nothing. */
const maxSharers = 16;
const maxLinks = 48;
/** Lines between two hunks that a patch would show as one. */
const nearGap = 6;

/** Which hunks belong together: by nearness, by function, and by a rare name in the changed lines of both. */
export function linksOf(hunks: readonly HunkWords[]): readonly (readonly Link[])[] {
  const links = hunks.map(() => new Map<number, number>());
  const join = (a: number, b: number, weight: number): void => {
    if (a === b) return;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = links[from];
      // Reasons add up, as independent ones do.
      if (known) known.set(to, 1 - (1 - (known.get(to) ?? 0)) * (1 - weight));
    }
  };
  joinNeighbours(hunks, join);
  joinSharers(hunks, join);
  return links.map((known) =>
    [...known]
      .map(([to, weight]) => ({ to, weight }))
      .sort((a, b) => b.weight - a.weight || a.to - b.to)
      .slice(0, maxLinks),
  );
}

type Join = (a: number, b: number, weight: number) => void;

function joinNeighbours(hunks: readonly HunkWords[], join: Join): void {
  const sizes = new Map<number, number>();
  for (const { file } of hunks) sizes.set(file, (sizes.get(file) ?? 0) + 1);
  for (const [index, hunk] of hunks.entries()) {
    for (let next = index + 1; next < hunks.length && next < index + 24; next++) {
      const other = hunks[next];
      if (!other || other.file !== hunk.file) break;
      const together = sharesOne(hunk.functions, other.functions);
      if (next === index + 1 && other.at - hunk.at <= nearGap) join(index, next, together ? 0.6 : 0.2);
      if (together) join(index, next, 0.35);
      else if ((sizes.get(hunk.file) ?? 0) <= 6) join(index, next, 0.12);
    }
  }
}

/** A name that comes or goes in both says more than one that lines changed in both only use. */
function joinSharers(hunks: readonly HunkWords[], join: Join): void {
  const sharers = new Map<string, number[]>();
  for (const [index, { changed }] of hunks.entries()) {
    for (const name of changed) {
      const list = sharers.get(name);
      if (list) list.push(index);
      else sharers.set(name, [index]);
    }
  }
  for (const [name, list] of sharers) {
    if (list.length < 2 || list.length > maxSharers) continue;
    const weight = (name.includes('_') ? 0.85 : 0.4) / Math.sqrt(list.length - 1);
    for (const [place, a] of list.entries()) {
      for (const b of list.slice(place + 1)) {
        const fresh = hunks[a]?.fresh.has(name) === true && hunks[b]?.fresh.has(name) === true;
        join(a, b, fresh ? weight : weight * 0.35);
      }
    }
  }
}

function sharesOne(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const name of a) if (b.has(name)) return true;
  return false;
}
