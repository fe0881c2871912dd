import { z } from 'zod';
import {
  aggregateIdSchema,
  machineEnrolled,
  machineEvents,
  reasonSchema,
  type RunningKernel,
  runningKernelSchema,
  tierSchema,
} from '#libs/contracts';
import { folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const machineSchema = z.object({
  machineId: aggregateIdSchema,
  state: z.enum(['unknown', 'enrolled', 'leased', 'refused']),
  ...machineEnrolled.omit({ machineId: true, kernel: true }).partial().shape,
  /** The kernel that runs, as the machine last said. */
  ...runningKernelSchema.partial().shape,
  /** When it was first heard to run this kernel: what was applied before is gone. */
  kernelSince: z.iso.datetime().optional(),
  tier: tierSchema.optional(),
  leaseId: aggregateIdSchema.optional(),
  leaseExpiresAt: z.iso.datetime().optional(),
  /** Why the last lease was refused. */
  reasons: z.array(reasonSchema).optional(),
  enrolledAt: z.iso.datetime().optional(),
  /** When it last said something new: check-ins that change nothing are no events. */
  lastSeen: z.iso.datetime(),
  ...placeShape,
});
export type MachineRow = z.infer<typeof machineSchema>;

export const machineTable = table('machines', machineSchema, ['machineId'], ['firstPosition', 'licenseId']);

/** Whatever is heard first of a machine makes it known, a refused lease too. */
function heard(row: MachineRow | undefined, { machineId }: { machineId: string }, seen: Seen): MachineRow {
  return { ...(row ?? { machineId, state: 'unknown' }), lastSeen: seen.at, ...place(row, seen) };
}

function runs(row: MachineRow | undefined, kernel: RunningKernel, seen: Seen) {
  const same = row?.buildId === kernel.buildId && row.release === kernel.release;
  return { ...kernel, kernelSince: same ? row.kernelSince : seen.at };
}

export const machines = folded(machineTable, machineEvents, (fact) => fact.data.machineId, {
  MachineEnrolled: (row, { kernel, ...data }, seen) => ({
    ...heard(row, data, seen),
    ...data,
    ...runs(row, kernel, seen),
    state: 'enrolled',
    enrolledAt: row?.enrolledAt ?? seen.at,
  }),
  LeaseGranted: (row, { kernel, expiresAt, ...data }, seen) => {
    const { reasons: _reasons, ...machine } = heard(row, data, seen);
    return { ...machine, ...data, ...runs(row, kernel, seen), leaseExpiresAt: expiresAt, state: 'leased' };
  },
  LeaseRefused: (row, data, seen) => ({ ...heard(row, data, seen), state: 'refused', reasons: data.reasons }),
  UpdateStaged: heard,
  UpdateApplied: heard,
  UpdateStalled: heard,
  UpdateReversed: heard,
  UpdateFailed: heard,
});
