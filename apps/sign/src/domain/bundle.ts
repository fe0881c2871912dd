import { type EventData, type Fact, fact } from '#libs/contracts';

/** How far a bundle has come. */
export interface BundleState {
  readonly assembled: boolean;
  readonly signed: boolean;
}

export function bundleState(facts: readonly Fact[]): BundleState {
  return {
    assembled: facts.some((one) => one.type === 'BundleAssembled'),
    signed: facts.some((one) => one.type === 'BundleSigned'),
  };
}

/** Records what isn't recorded yet; nothing if the bundle is signed. */
export function decideSigned(
  state: BundleState,
  assembled: EventData<'BundleAssembled'>,
  signed: EventData<'BundleSigned'>,
): readonly Fact[] {
  if (state.signed) return [];
  return state.assembled
    ? [fact('BundleSigned', signed)]
    : [fact('BundleAssembled', assembled), fact('BundleSigned', signed)];
}
