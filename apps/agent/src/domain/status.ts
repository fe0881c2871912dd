import { z } from 'zod';
import { effectiveKernel, reasonSchema, type RunningKernel, runningKernelSchema } from '#libs/contracts';
import { type BundleState, type BundleStates, isApplied } from './bundle-state.js';
import type { Verdict } from './plan.js';

/** States of a machine, and what `splicecast status` exits with. Stable: other programs depend on them. */
export const statusExits = {
  current: 0,
  'nothing-applied': 1,
  pending: 2,
  'unsupported-kernel': 3,
  license: 4,
  trust: 5,
  held: 6,
} as const;
export type MachineStatus = keyof typeof statusExits;

const fixSchema = z.object({ fixId: z.string().optional(), subject: z.string(), cves: z.array(z.string()) });
const bundleSchema = z.object({
  bundleId: z.string(),
  module: z.string().optional(),
  /** Of a cumulative level. */
  level: z.number().optional(),
  since: z.string().optional(),
  transitionMs: z.number().optional(),
  fixes: z.array(fixSchema),
  reasons: z.array(reasonSchema),
});
export type BundleView = z.infer<typeof bundleSchema>;

/** How the daemon hears of news: at once over NATS, server-sent events or long polls, or when it asks by itself. */
export const hearingSchema = z.object({
  transport: z.enum(['nats', 'sse', 'long-poll', 'polling']),
  since: z.iso.datetime(),
});
export type Hearing = z.infer<typeof hearingSchema>;

/** `splicecast status --json`, and status.json. */
export const statusSchema = z.object({
  schema: z.literal(1),
  at: z.iso.datetime(),
  bootId: z.string(),
  state: z.enum(Object.keys(statusExits) as [MachineStatus, ...MachineStatus[]]),
  /** Why it is no better, and what to do. */
  reasons: z.array(reasonSchema),
  machineId: z.string().optional(),
  service: z.string().optional(),
  tier: z.string().optional(),
  leaseEnds: z.iso.datetime().optional(),
  kernel: runningKernelSchema.optional(),
  effectiveKernel: z.string().optional(),
  applied: z.array(bundleSchema),
  pending: z.array(bundleSchema),
  held: z.array(bundleSchema),
  cvesFixedLive: z.array(z.string()),
  lastCheckIn: z
    .object({
      at: z.iso.datetime(),
      problem: z.object({ code: z.string(), reason: z.string(), advice: z.string().optional() }).optional(),
    })
    .optional(),
  hearing: hearingSchema.optional(),
  /** The signed metadata that updates are trusted by; without `root` no root is pinned and none is checked. */
  metadata: z
    .object({ root: z.string().optional(), at: z.iso.datetime().optional(), freshUntil: z.iso.datetime().optional() })
    .optional(),
  reportsWaiting: z.number().int(),
});
export type Status = z.infer<typeof statusSchema>;

export interface StatusInput {
  readonly at: Date;
  readonly bootId: string;
  readonly states: BundleStates;
  readonly verdicts: readonly Verdict[];
  readonly kernel?: RunningKernel;
  readonly vendorVersion?: string;
  readonly machineId?: string;
  readonly service?: string;
  readonly tier?: string;
  readonly leaseEnds?: string;
  readonly lastCheckIn?: Status['lastCheckIn'];
  readonly hearing?: Hearing;
  readonly metadata?: Status['metadata'];
  readonly reportsWaiting: number;
  /** What would make the kernel refuse any live patch. */
  readonly obstacles: Status['reasons'];
  /** Whether a reason says that somebody must not be trusted. */
  readonly isTrust: (reason: Status['reasons'][number]) => boolean;
}

/** All that can be said of the machine. */
export function statusOf(input: StatusInput): Status {
  const { at, bootId, states, verdicts, kernel, machineId, service, tier, leaseEnds, lastCheckIn } = input;
  const applied = [...states.values()].filter((state) => isApplied(state, bootId));
  const pick = (...actions: Verdict['action'][]) =>
    verdicts.filter(({ action }) => actions.includes(action)).map((one) => viewOf(one.bundleId, states, one.reasons));
  const held = pick('hold');
  const pending = pick('apply', 'wait', 'reverse');
  const { state, reasons } = judge(input, applied.length, pending, held);
  const version = applied[0]?.summary?.kernel.version ?? input.vendorVersion ?? kernel?.release;
  return {
    schema: 1,
    at: at.toISOString(),
    bootId,
    state,
    reasons,
    machineId,
    service,
    tier,
    leaseEnds,
    kernel,
    effectiveKernel:
      version &&
      effectiveKernel(
        version,
        applied.map(({ bundleId }) => bundleId),
      ),
    // One that was withdrawn and is kept says so.
    applied: applied.map(({ bundleId }) =>
      viewOf(
        bundleId,
        states,
        verdicts.find((one) => one.bundleId === bundleId && one.action === 'keep')?.reasons ?? [],
      ),
    ),
    pending,
    held,
    cvesFixedLive: [...new Set(applied.flatMap(cvesOf))].sort(),
    lastCheckIn,
    hearing: input.hearing,
    metadata: input.metadata,
    reportsWaiting: input.reportsWaiting,
  };
}

/** Problems of a check-in that say that the service isn't who it should be. */
const leaseProblems: ReadonlySet<string> = new Set(['untrusted', 'lease-replayed']);

function judge(
  input: StatusInput,
  applied: number,
  pending: readonly BundleView[],
  held: readonly BundleView[],
): Pick<Status, 'state' | 'reasons'> {
  const { obstacles, isTrust, machineId, lastCheckIn, at, leaseEnds } = input;
  const unsupported = obstacles.filter(({ code }) => code !== 'not-permitted');
  if (unsupported.length > 0) return { state: 'unsupported-kernel', reasons: unsupported };
  const untrusted = [...pending, ...held].flatMap(({ reasons }) => reasons.filter(isTrust));
  const { problem } = lastCheckIn ?? {};
  if (problem !== undefined && (leaseProblems.has(problem.code) || isTrust(problem))) untrusted.push(problem);
  if (untrusted.length > 0) return { state: 'trust', reasons: untrusted };
  const license = licenseReasons(machineId, leaseEnds, problem, at);
  if (license.length > 0) return { state: 'license', reasons: license };
  if (held.length > 0) return { state: 'held', reasons: held.flatMap(({ reasons }) => reasons) };
  if (pending.length > 0) return { state: 'pending', reasons: pending.flatMap(({ reasons }) => reasons) };
  return { state: applied === 0 ? 'nothing-applied' : 'current', reasons: [] };
}

function licenseReasons(
  machineId: string | undefined,
  leaseEnds: string | undefined,
  problem: NonNullable<Status['lastCheckIn']>['problem'],
  at: Date,
): Status['reasons'] {
  if (machineId === undefined || leaseEnds === undefined) {
    const advice = 'run `splicecast register --url URL --license FILE --trust FILE`';
    return [{ code: 'not-registered', reason: 'this machine is not registered', advice }];
  }
  if (problem?.code === 'license-refused') return [problem];
  if (Date.parse(leaseEnds) > at.getTime()) return [];
  const advice = 'what is applied stays; the lease is renewed as soon as the service can be reached';
  return [{ code: 'lease-ended', reason: `the lease ended at ${leaseEnds}`, advice }];
}

export function viewOf(
  bundleId: string,
  states: BundleStates,
  reasons: BundleView['reasons'] | readonly BundleView['reasons'][number][],
): BundleView {
  const state = states.get(bundleId);
  return {
    bundleId,
    module: state?.summary?.module,
    level: state?.summary?.level,
    since: state?.since,
    transitionMs: state?.transitionMs,
    fixes: state?.summary?.fixes ?? [],
    reasons: [...reasons],
  };
}

function cvesOf(state: BundleState): readonly string[] {
  return (state.summary?.fixes ?? []).flatMap(({ cves }) => cves);
}
