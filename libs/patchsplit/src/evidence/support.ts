import type { Belief } from './belief.js';
import { type Link, linkKinds } from './links.js';
import type { Pair } from './pairs.js';

/** Less belief than this supports nothing. */
export const minSupport = 0.03;
/** Support from which on a subject is looked at which the hunk's own text and path don't speak for. */
export const minToJoin = 0.25;
/** How much it speaks against a subject (ln) that a linked hunk isn't believed at all to be its. */
export const against = 2.3;
/** Less belief than this is none at all. */
const minLikely = 0.004;
/** Belief of which it is as likely as not that it says nothing, and what it never falls below. */
const likelihood = { usual: 0.05, least: 0.005 };
const maxLinkedText = 10;
/** Links between hunks that stand together; the others are by what is in them. */
const byPlace: ReadonlySet<number> = new Set(
  (['next', 'touching', 'function'] as const).map((kind) => linkKinds.indexOf(kind)),
);
/** Where a subject's support has what isn't by kind of link. */
export const neighbourAt = linkKinds.length;
export const nearAt = neighbourAt + 1;
export const nameAt = neighbourAt + 2;
export const textAt = neighbourAt + 3;
const supportWidth = neighbourAt + 4;

/** What the hunks linked with one tell of subjects. */
export interface Support {
  /**
   * By subject: how sure it is, by each kind of link, that a linked hunk is the subject's; that one is of a subject next to it; how likely they are its
   * together, by place and by name, above what speaks against it where nothing speaks for it; what text says there.
   */
  readonly support: ReadonlyMap<number, Float64Array>;
  /** How much the links by place weigh together, and those by name. */
  readonly near: number;
  readonly named: number;
}

export function supportOf(
  index: number,
  links: readonly Link[],
  pairs: readonly (readonly Pair[])[],
  beliefs: readonly Belief[],
): Support {
  const support = new Map<number, Float64Array>();
  const ofSubject = (subject: number): Float64Array => {
    let kinds = support.get(subject);
    if (!kinds) support.set(subject, (kinds = new Float64Array(supportWidth)));
    return kinds;
  };
  const sums = { near: 0, named: 0 };
  const besides = new Map<number, number>();
  for (const { to, kind, weight } of links) {
    const belief = beliefs[to];
    if (!belief || to === index) continue;
    const place = byPlace.has(kind) ? nearAt : nameAt;
    sums[place === nearAt ? 'near' : 'named'] += weight;
    for (const [at, { subject, text }] of (pairs[to] ?? []).entries()) {
      const believed = belief.of[at] ?? 0;
      if (believed < minLikely) continue;
      const kinds = ofSubject(subject);
      kinds[place] =
        (kinds[place] ?? 0) + weight * (Math.log((believed + likelihood.least) / likelihood.usual) + against);
      kinds[textAt] = Math.max(kinds[textAt] ?? 0, weight * Math.min(maxLinkedText, text));
      if (believed < minSupport) continue;
      kinds[kind] = 1 - (1 - (kinds[kind] ?? 0)) * (1 - Math.min(0.999, weight * believed));
      besides.set(subject, Math.max(besides.get(subject) ?? 0, weight * believed));
    }
  }
  for (const [subject, value] of besides) {
    for (const away of [-2, -1, 1, 2]) {
      if (subject + away < 0) continue;
      const near = value / Math.abs(away);
      const known = support.get(subject + away);
      // Of one that nothing else speaks for it is too little to be looked at by itself.
      const kinds = known ?? ofSubject(subject + away);
      kinds[neighbourAt] = Math.max(kinds[neighbourAt] ?? 0, known ? near : Math.min(near, minToJoin * 0.99));
    }
  }
  return { support, ...sums };
}
