import { z } from 'zod';
import { aggregateIdSchema, machineEvents, reasonSchema, updateStalled } from '#libs/contracts';
import { folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const machineUpdateSchema = z.object({
  /** `<machine>.<bundle>` */
  updateId: z.string(),
  machineId: aggregateIdSchema,
  bundleId: aggregateIdSchema,
  state: z.enum(['staged', 'applied', 'stalled', 'reversed', 'replaced', 'failed']),
  /** When it came into this state. */
  at: z.iso.datetime(),
  transitionMs: z.int().optional(),
  /** The level that took its place. */
  by: aggregateIdSchema.optional(),
  /** Why it failed. */
  reasons: z.array(reasonSchema).optional(),
  /** The tasks that hold the transition. */
  tasks: updateStalled.shape.tasks.optional(),
  ...placeShape,
});
export type MachineUpdateRow = z.infer<typeof machineUpdateSchema>;

export const machineUpdateTable = table(
  'machine_updates',
  machineUpdateSchema,
  ['updateId'],
  ['machineId', ['bundleId', 'state', 'machineId']],
);

/** A machine's events about one bundle. */
const {
  MachineEnrolled: _enrolled,
  LeaseGranted: _granted,
  LeaseRefused: _refused,
  MachineReleased: _released,
  MachineRetired: _retired,
  ...updateEvents
} = machineEvents;

interface Subject {
  readonly machineId: string;
  readonly bundleId: string;
}

const updateIdOf = ({ machineId, bundleId }: Subject): string => `${machineId}.${bundleId}`;

/** Each report replaces the one before it: what held a transition yesterday is of no interest once it is through. */
const now = (state: MachineUpdateRow['state'], row: MachineUpdateRow | undefined, of: Subject, seen: Seen) => ({
  updateId: updateIdOf(of),
  machineId: of.machineId,
  bundleId: of.bundleId,
  state,
  at: seen.at,
  ...place(row, seen),
});

export const machineUpdates = folded(machineUpdateTable, updateEvents, (fact) => updateIdOf(fact.data), {
  UpdateStaged: (row, data, seen) => now('staged', row, data, seen),
  UpdateApplied: (row, data, seen) => ({ ...now('applied', row, data, seen), transitionMs: data.transitionMs }),
  UpdateStalled: (row, data, seen) => ({ ...now('stalled', row, data, seen), tasks: data.tasks }),
  UpdateReversed: (row, data, seen) => ({ ...now('reversed', row, data, seen), transitionMs: data.transitionMs }),
  UpdateReplaced: (row, data, seen) => ({ ...now('replaced', row, data, seen), by: data.by }),
  UpdateFailed: (row, data, seen) => ({ ...now('failed', row, data, seen), reasons: data.reasons }),
});
