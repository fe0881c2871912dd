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
import { begun, folded, place, type Seen } from './read-model.js';
import { pastOrder, placeShape, table } from './table.js';

/** Of a machine whose seat an operator freed: it gets nothing new. */
export const unseatedStates = ['released', 'retired'] as const;
/** Of a machine that has a seat, or asks for one. */
export const seatedStates = ['unknown', 'enrolled', 'leased', 'refused'] as const;

const machineSchema = z.object({
  machineId: aggregateIdSchema,
  state: z.enum([...seatedStates, ...unseatedStates]),
  ...machineEnrolled.omit({ machineId: true, kernel: true }).partial().shape,
  /** The kernel that runs, as the machine last said. */
  ...runningKernelSchema.partial().shape,
  /** When it was first heard to run this kernel: what was applied before is gone. */
  kernelSince: z.iso.datetime().optional(),
  tier: tierSchema.optional(),
  leaseId: aggregateIdSchema.optional(),
  leaseExpiresAt: z.iso.datetime().optional(),
  /** Why it gets nothing new: the last lease was refused, or an operator freed its seat. */
  reasons: z.array(reasonSchema).optional(),
  enrolledAt: z.iso.datetime().optional(),
  /** When it last said something new: check-ins that change nothing are no events. */
  lastSeen: z.iso.datetime(),
  ...placeShape,
});
export type MachineRow = z.infer<typeof machineSchema>;

export const machineTable = table(
  'machines',
  machineSchema,
  ['machineId'],
  [
    ['firstPosition', 'position'],
    'position',
    ['state', 'firstPosition'],
    ['release', 'firstPosition'],
    ['licenseId', 'firstPosition'],
    ['customerId', 'firstPosition'],
    'buildId',
  ],
  [pastOrder, ['position', 'until'], ['licenseId', 'firstPosition'], ['customerId', 'firstPosition']],
);

/** Whatever is heard first of a machine makes it known, a refused lease too. */
function heard(row: MachineRow | undefined, { machineId }: { machineId: string }, seen: Seen): MachineRow {
  return { ...(row ?? { machineId, state: 'unknown' }), lastSeen: seen.at, ...place(row, seen) };
}

function runs(row: MachineRow | undefined, kernel: RunningKernel, seen: Seen) {
  const same = row?.buildId === kernel.buildId && row.release === kernel.release;
  return { ...kernel, kernelSince: same ? row.kernelSince : seen.at };
}

/** Not heard of: it is the operator who spoke. */
function unseated(
  state: (typeof unseatedStates)[number],
  row: MachineRow | undefined,
  { reason }: { readonly reason: string },
  seen: Seen,
): MachineRow {
  const { leaseId: _lease, leaseExpiresAt: _end, ...machine } = begun(row, 'the machine', seen);
  return { ...machine, state, reasons: [{ code: `machine-${state}`, reason }], ...place(row, seen) };
}

export const machines = folded(machineTable, machineEvents, (fact) => fact.data.machineId, {
  MachineEnrolled: (row, { kernel, ...data }, seen) => {
    const { reasons: _reasons, ...machine } = heard(row, data, seen);
    const enrolledAt = row?.enrolledAt ?? seen.at;
    return { ...machine, ...data, ...runs(row, kernel, seen), state: 'enrolled', enrolledAt };
  },
  LeaseGranted: (row, { kernel, expiresAt, ...data }, seen) => {
    const { reasons: _reasons, ...machine } = heard(row, data, seen);
    return { ...machine, ...data, ...runs(row, kernel, seen), leaseExpiresAt: expiresAt, state: 'leased' };
  },
  LeaseRefused: (row, data, seen) => {
    const machine = heard(row, data, seen);
    // It asks on, and it is not the refusal that says what became of it.
    const state = row?.state === 'released' || row?.state === 'retired' ? row.state : 'refused';
    return { ...machine, state, reasons: data.reasons };
  },
  MachineReleased: (row, data, seen) => unseated('released', row, data, seen),
  MachineRetired: (row, data, seen) => unseated('retired', row, data, seen),
  UpdateStaged: heard,
  UpdateApplied: heard,
  UpdateStalled: heard,
  UpdateReversed: heard,
  UpdateReplaced: heard,
  UpdateFailed: heard,
});
