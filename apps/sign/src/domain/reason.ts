import type { EventData, Fact, Reason } from '#libs/contracts';

/** The last fact of a type. */
export function last<T extends Fact['type']>(facts: readonly Fact[], type: T): EventData<T> | undefined {
  return facts.findLast((fact): fact is Extract<Fact, { type: T }> => fact.type === type)?.data as
    EventData<T> | undefined;
}

export function reason(code: string, text: string): Reason {
  return { code, reason: text };
}
