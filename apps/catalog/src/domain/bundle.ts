import { type Fact, fact, type Tier, tierSchema } from '#libs/contracts';

export type BundleCommand =
  | { readonly type: 'PromoteBundle'; readonly bundleId: string; readonly tier: Tier }
  | {
      readonly type: 'RecallBundle';
      readonly bundleId: string;
      readonly reason: string;
      /** Machines that run it go on with it. */
      readonly keep?: true;
    };

export type BundleFact = Fact<'BundleAssembled' | 'BundleSigned' | 'BundlePromoted' | 'BundleRecalled'>;

export interface BundleState {
  readonly known: boolean;
  readonly signed: boolean;
  readonly tier?: Tier;
  readonly recalled: boolean;
  /** Recalled, and machines that run it take it back. */
  readonly reversed?: boolean;
}

export type BundleRefusalCode =
  | 'bundle-unknown'
  /** Nothing unsigned may ever be served. */
  | 'bundle-not-signed'
  | 'bundle-recalled'
  /** Bundles only climb; what must go back is recalled. */
  | 'bundle-already-further';

export class BundleRefusal extends Error {
  override readonly name = 'BundleRefusal';
  constructor(
    readonly code: BundleRefusalCode,
    message: string,
  ) {
    super(message);
  }
}

export const initialBundle = (): BundleState => ({ known: false, signed: false, recalled: false });

/** Decides on a bundle's roll-out. What was done already decides nothing new. @throws BundleRefusal */
export function decideBundle(command: BundleCommand, state: BundleState): readonly BundleFact[] {
  if (!state.known) throw new BundleRefusal('bundle-unknown', `there is no bundle ${command.bundleId}`);
  return command.type === 'PromoteBundle' ? promote(command.bundleId, command.tier, state) : recall(command, state);
}

export function evolveBundle(state: BundleState, event: BundleFact): BundleState {
  switch (event.type) {
    case 'BundleAssembled':
      return { ...state, known: true };
    case 'BundleSigned':
      return { ...state, signed: true };
    case 'BundlePromoted':
      return { ...state, tier: event.data.tier };
    default:
      event.type satisfies 'BundleRecalled';
      return { ...state, recalled: true, reversed: state.reversed === true || event.data.keep !== true };
  }
}

function promote(
  bundleId: string,
  tier: Tier,
  { signed, recalled, tier: reached }: BundleState,
): readonly BundleFact[] {
  if (recalled) throw new BundleRefusal('bundle-recalled', `bundle ${bundleId} was recalled and is never served again`);
  if (!signed) throw new BundleRefusal('bundle-not-signed', `bundle ${bundleId} is not signed yet`);
  if (reached === tier) return [];
  if (reached !== undefined && tierSchema.options.indexOf(reached) > tierSchema.options.indexOf(tier)) {
    throw new BundleRefusal(
      'bundle-already-further',
      `bundle ${bundleId} has reached ${reached} already: recall it instead`,
    );
  }
  return [fact('BundlePromoted', { bundleId, tier })];
}

/** Recalled with `keep`, it can still be taken back; what machines were told to take back they don't keep any more. */
function recall(
  { bundleId, reason, keep }: Extract<BundleCommand, { type: 'RecallBundle' }>,
  { recalled, reversed }: BundleState,
): readonly BundleFact[] {
  if (recalled && (reversed === true || keep === true)) return [];
  return [fact('BundleRecalled', { bundleId, reason, ...(keep === undefined ? {} : { keep }) })];
}
