import { z } from 'zod';
import { aggregateIdSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';
import { tierSchema } from './bundle.js';
import { majorSchema, markSchema } from './license.js';

/** What a machine says of the kernel that it runs. */
export const runningKernelSchema = z.object({
  distro: aggregateIdSchema,
  /** Of the distribution, where it names one. */
  major: majorSchema.optional(),
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
  /** The hardware that it runs on, which a new installation doesn't change. */
  hardware: markSchema.optional(),
});

export const leaseGranted = z.object({
  ...machine,
  leaseId: aggregateIdSchema,
  licenseId: aggregateIdSchema,
  kernel: runningKernelSchema,
  tier: tierSchema,
  expiresAt: z.iso.datetime(),
  /** As which user (nkey) it may listen to hints on the NATS servers, as long. */
  hintUser: z
    .string()
    .regex(/^U[A-Z2-7]{55}$/)
    .optional(),
});

export const leaseRefused = z.object({ ...machine, reasons: z.array(reasonSchema).min(1) });

const reason = z.string().min(1).max(1024);

/** An operator freed its seat. What is applied stays; it has one again once it is registered anew, by hand, while one is free. */
export const machineReleased = z.object({ ...machine, licenseId: aggregateIdSchema, reason });

/** It is gone, or in the wrong hands: its key never gets anything new again. What is applied stays, and recalls reach it. */
export const machineRetired = z.object({ ...machine, reason });

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
/** A level, which holds its fix too, took its place. */
export const updateReplaced = z.object({ ...update, by: aggregateIdSchema });
export const updateFailed = z.object({ ...update, reasons: z.array(reasonSchema).min(1) });

export const machineEvents = {
  MachineEnrolled: machineEnrolled,
  LeaseGranted: leaseGranted,
  LeaseRefused: leaseRefused,
  MachineReleased: machineReleased,
  MachineRetired: machineRetired,
  UpdateStaged: updateStaged,
  UpdateApplied: updateApplied,
  UpdateStalled: updateStalled,
  UpdateReversed: updateReversed,
  UpdateReplaced: updateReplaced,
  UpdateFailed: updateFailed,
} as const;
