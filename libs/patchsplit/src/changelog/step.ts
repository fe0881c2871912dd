import { compareVersions, upstreamVersion } from '#libs/apt';
import type { Changelog, StepItem } from './changelog.js';

/**
 * The items of every entry after version `from` and up to `to`, the oldest first. A bound that is absent doesn't bound. Versions
 * that stand in the changelog bound by their place; others by the order of Debian's versions, which RPM's share.
 */
export function changelogStep(changelog: Changelog, from?: string, to?: string): StepItem[] {
  const { entries } = changelog;
  const placeOf = (version: string): number => entries.findIndex((entry) => entry.version === version);
  const fromPlace = from === undefined ? entries.length : placeOf(from);
  const toPlace = to === undefined ? 0 : placeOf(to);
  const step = entries.filter(({ version }, place) => {
    const after = fromPlace >= 0 ? place < fromPlace : from === undefined || comparedTo(version, from) > 0;
    const upTo = toPlace >= 0 ? place >= toPlace : to === undefined || comparedTo(version, to) <= 0;
    return after && upTo;
  });
  return step
    .toReversed()
    .flatMap(({ version, at, author, items }) => items.map((item) => ({ ...item, version, at, author })));
}

/** A bound without a revision means all revisions: a tarball of 6.1.190 is compared to the entry 6.1.190-1. */
function comparedTo(version: string, bound: string): number {
  return compareVersions(bound.includes('-') ? version : upstreamVersion(version), bound);
}
