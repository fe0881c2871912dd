import type { EventType, LicenseTerms, Reason } from '#libs/contracts';
import { type Ground, type Licensed, type Question, rules } from './rules.js';

/** An event of the log, as an explanation cites it. */
export interface Cited {
  readonly id: string;
  readonly type: EventType;
  readonly at: string;
  readonly position: number;
  /** What an operator gave as the reason, where there is one: told to operators, never to the machine. */
  readonly reason?: string;
}

/** The events that settle each ground: the newest that set the terms, the revocation, the machine's enrolment, and so on. */
export type Evidence = Readonly<Record<Ground, readonly Cited[]>>;

export interface RuleAnswer {
  /** The code of its refusal: what is said, or would be, where it refuses. */
  readonly rule: string;
  readonly verdict: 'passes' | 'refuses' | 'not-asked';
  /** Why it refuses. */
  readonly reason?: string;
  /** What would change it. */
  readonly change?: string;
  /** What it rests on. */
  readonly because: readonly Cited[];
}

export interface Explanation {
  readonly entitled: boolean;
  /** ISO 8601: the time that it was judged for. */
  readonly at: string;
  readonly terms: LicenseTerms;
  /** Every rule, in the order of `rules`. */
  readonly rules: readonly RuleAnswer[];
}

/** Says of every rule whether the question passes it, by which event, and what would change it. */
export function explain(license: Licensed, question: Question, evidence: Evidence): Explanation {
  const answers = rules.map((rule): RuleAnswer => {
    const because = evidence[rule.ground];
    if (!rule.asked(question)) return { rule: rule.code, verdict: 'not-asked', because: [] };
    const refusal: Omit<Reason, 'code'> | undefined = rule.refusal(license, question);
    if (refusal === undefined) return { rule: rule.code, verdict: 'passes', because };
    const change = refusal.advice === undefined ? {} : { change: refusal.advice };
    return { rule: rule.code, verdict: 'refuses', reason: refusal.reason, ...change, because };
  });
  return {
    entitled: answers.every(({ verdict }) => verdict !== 'refuses'),
    at: question.at.toISOString(),
    terms: license.terms,
    rules: answers,
  };
}
