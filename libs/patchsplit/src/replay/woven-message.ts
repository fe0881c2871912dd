import { oneLine, quotedBody, trailer, trailersOfDifference, trailersOfEntry } from '../message.js';
import type { UpstreamDifference } from '../report/schema.js';
import type { Choice } from '../select/choose.js';

export function wovenSubject({ candidate }: Choice): string {
  const subject = oneLine(candidate.subject);
  return subject === '' ? 'A commit without a subject' : subject;
}

/** The upstream message, and trailers of ours. What a message says in our words is quoted: nobody else writes our trailers. */
export function wovenMessage(choice: Choice, confidence: number, difference: UpstreamDifference | undefined): string {
  const { candidate, listed } = choice;
  const trailers = [
    ...(candidate.id === undefined ? [] : [trailer('Upstream-commit', candidate.id)]),
    ...(listed ? trailersOfEntry(listed.item) : []),
    trailer('Confidence', confidence.toFixed(3)),
    ...trailersOfDifference(difference),
  ];
  const parts = [wovenSubject(choice), quotedBody(candidate.body), trailers.join('\n')];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
