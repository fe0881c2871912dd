import type { WovenCommit } from './reconstruct.js';

const ownTrailer = /^(?:Upstream-commit|Changelog-entry|CVE|Confidence|Partial|Reworked|Remainder)\s*:/i;

export function wovenSubject({ choice }: WovenCommit): string {
  return choice.candidate.subject === '' ? 'A commit without a subject' : choice.candidate.subject;
}

/** The upstream message, and trailers of ours. What a message says in our words is quoted: nobody else writes our trailers. */
export function wovenMessage(commit: WovenCommit): string {
  const { choice, confidence, partial, reworked } = commit;
  const { candidate, listed } = choice;
  const body = candidate.body
    .split('\n')
    .map((line) => (ownTrailer.test(line.trim()) ? `> ${line}` : line))
    .join('\n');
  const trailers = [
    ...(candidate.id === undefined ? [] : [`Upstream-commit: ${candidate.id}`]),
    ...(listed ? [`Changelog-entry: ${listed.item.subject} (${listed.item.version})`] : []),
    ...(listed?.item.cves ?? []).map((cve) => `CVE: ${cve}`),
    `Confidence: ${confidence.toFixed(3)}`,
    ...(partial ? ['Partial: some of its changes are not in the target'] : []),
    ...(reworked ? ['Reworked: some of its lines differ from upstream'] : []),
  ];
  return `${[wovenSubject(commit), body, trailers.join('\n')].filter((part) => part !== '').join('\n\n')}\n`;
}
