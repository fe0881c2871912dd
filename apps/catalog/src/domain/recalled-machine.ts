import type { Reason } from '#libs/contracts';

/** What was last heard of a bundle on a machine. */
export interface HeardOf {
  readonly state: 'staged' | 'applied' | 'stalled' | 'reversed' | 'replaced' | 'failed';
  readonly at: string;
  readonly by?: string;
  readonly reasons?: readonly Pick<Reason, 'code' | 'reason'>[];
  readonly tasks?: readonly { readonly name: string; readonly pid: number }[];
}

/** How a bundle was withdrawn, if it was. */
export interface Recalled {
  readonly recallReason?: string;
  readonly recalledAt?: string;
  /** Whether machines that run it keep it. */
  readonly recall?: 'keep' | 'reverse';
}

/** Whether it is in the kernel that runs: applied since that one was first heard of, or on its way in or out. */
export function runs({ state, at }: HeardOf, machine: { readonly kernelSince?: string } | undefined): boolean {
  return (state === 'applied' || state === 'stalled') && at >= (machine?.kernelSince ?? '');
}

/** Why a machine has a bundle, or hasn't: of one that was recalled, why it still runs. */
export function whyOnMachine(bundle: Recalled, heard: HeardOf, isLive: boolean): string {
  if (!isLive) return whyNot(heard);
  const held = (heard.tasks ?? []).map(({ name, pid }) => `${name} (${pid})`).join(', ');
  const stalled = heard.state === 'stalled' ? `, and the transition is held up by ${held || 'a task'}` : '';
  if (bundle.recalledAt === undefined) return `it runs${stalled}`;
  const withdrawn = `it was recalled at ${bundle.recalledAt} (${bundle.recallReason ?? 'no reason is given'})`;
  if (bundle.recall === 'keep') {
    return `${withdrawn}, and machines keep it until their next boot${stalled}; \`splicectl bundle recall --reverse\` takes it back`;
  }
  if (stalled !== '') return `${withdrawn}${stalled}`;
  return `${withdrawn}, and the machine has not said yet that it took it back: it does at its next check-in`;
}

function whyNot({ state, by, reasons = [] }: HeardOf): string {
  const because = reasons.map(({ code, reason }) => `${code}: ${reason}`).join('; ');
  const said = {
    staged: 'it was fetched and is not applied',
    applied: 'it was applied to a kernel that no longer runs',
    stalled: 'it was held up in a kernel that no longer runs',
    reversed: 'it was taken back',
    replaced: `level ${by ?? ''} took its place`,
    failed: `it was not applied: ${because}`,
  };
  return said[state];
}
