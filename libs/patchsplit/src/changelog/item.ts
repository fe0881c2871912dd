import type { ChangelogItem } from './changelog.js';

const cvePattern = /CVE-\d{4}-\d{4,12}/g;
const maxTextLength = 8192;
const maxSubjectLength = 1024;

/**
 * Makes an item of a bullet's unwrapped text. CVE ids are taken out of the parentheses or braces that vendors append, bug
 * numbers and a leading `[arm64]` are dropped: `[x86] KVM: Fix foo (Closes: #1) (CVE-2026-1234)` is `KVM: Fix foo`, and so is
 * RPM's `KVM: Fix foo (A. Author) [2143943] {CVE-2026-1234}`. Undefined when nothing of a subject is left.
 */
export function itemOf(text: string, section?: string): ChangelogItem | undefined {
  const bounded = text.slice(0, maxTextLength);
  const cves = [...new Set(bounded.match(cvePattern) ?? [])].slice(0, 64);
  const subject = withoutBugs(
    bounded
      .replace(/[({]\s*CVE-[^(){}]{0,1000}[)}]/g, ' ')
      .replace(/\((?:Closes|See|LP):\s*[^()]{0,300}\)/gi, ' ')
      .replace(/^(?:\[[^[\]\s]{1,60}\]\s+){1,8}/, '')
      .replace(/\s+/g, ' ')
      .trim(),
  ).slice(0, maxSubjectLength);
  if (subject === '') return undefined;
  return { subject, cves, ...(section === undefined ? {} : { section: section.slice(0, 256) }) };
}

/** Drops ` (Author) [bug, bug]` from the end, RPM's custom. A subject's own `foo[3]` has no blank before its bracket. */
function withoutBugs(subject: string): string {
  const [, rest] = /^(.{1,2000}?) \[[^[\]]{1,300}\]$/.exec(subject) ?? [];
  return rest === undefined ? subject : rest.replace(/ \([^()]{1,80}\)$/, '');
}
