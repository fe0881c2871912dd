import { type AggregateId, derivedId, type Digest, type EventData, type Fact, fact } from '#libs/contracts';

/** The same patch for the same kernel is the same fix. */
export function fixIdOf(kernelId: string, patch: Digest): AggregateId {
  return derivedId(kernelId, patch);
}

/** A fix that is proposed already changes nothing. */
export function decideProposed(past: readonly Fact[], proposed: EventData<'FixProposed'>): readonly Fact[] {
  return past.some(({ type }) => type === 'FixProposed') ? [] : [fact('FixProposed', proposed)];
}
