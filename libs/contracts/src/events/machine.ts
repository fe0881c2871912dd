import { z } from 'zod';
import { aggregateIdSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';
import { tierSchema } from './bundle.js';

/** What a machine says of the kernel that it runs. */
export const runningKernelSchema = z.object({
  distro: aggregateIdSchema,
  arch: z.literal('x86_64'),
  release: z.string().regex(/^[A-Za-z0-9._+~-]{1,64}$/),
  buildId: z.string().regex(/^[0-9a-f]{16,64}$/),
});
export type RunningKernel = z.infer<typeof runningKernelSchema>;

const machine = { machineId: aggregateIdSchema };
const update = { ...machine, bundleId: aggregateIdSchema };

export const machineEnrolled = z.object({
  ...machine,
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  hostname: z.string().max(253).optional(),
  /** RFC 7638 thumbprint (SHA-256, base64url) of the machine's public key. */
  keyThumbprint: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  kernel: runningKernelSchema,
});

export const leaseGranted = z.object({
  ...machine,
  leaseId: aggregateIdSchema,
  licenseId: aggregateIdSchema,
  kernel: runningKernelSchema,
  tier: tierSchema,
  expiresAt: z.iso.datetime(),
});

export const leaseRefused = z.object({ ...machine, reasons: z.array(reasonSchema).min(1) });

export const updateStaged = z.object(update);
export const updateApplied = z.object({ ...update, transitionMs: z.number().int().nonnegative() });
/** The transition waits for tasks that sleep in an old function. */
export const updateStalled = z.object({
  ...update,
  tasks: z
    .array(z.object({ pid: z.number().int(), name: z.string().max(64), stack: z.array(z.string()).max(64) }))
    .max(64),
});
export const updateReversed = z.object({ ...update, transitionMs: z.number().int().nonnegative() });
export const updateFailed = z.object({ ...update, reasons: z.array(reasonSchema).min(1) });

export const machineEvents = {
  MachineEnrolled: machineEnrolled,
  LeaseGranted: leaseGranted,
  LeaseRefused: leaseRefused,
  UpdateStaged: updateStaged,
  UpdateApplied: updateApplied,
  UpdateStalled: updateStalled,
  UpdateReversed: updateReversed,
  UpdateFailed: updateFailed,
} as const;
