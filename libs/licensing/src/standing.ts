import { z } from 'zod';
import { aggregateIdSchema, markSchema } from '#libs/contracts';

const count = z.int().nonnegative();

/** What is known of the machine that asks for a licence, beside its kernel. */
export const standingSchema = z.object({
  /** Whether it is enrolled with this licence, or runs on the hardware of a machine that is. */
  seated: z.boolean(),
  /** The machine that enrolled later on the same hardware, and has its seat now. */
  displacedBy: aggregateIdSchema.optional(),
  /** It shows other hardware than it enrolled on: a copy of that machine, or its disk was moved. */
  elsewhere: z.boolean().optional(),
  /** An operator freed its seat, and it was not registered anew. */
  released: z.boolean().optional(),
  /** An operator retired it. */
  retired: z.boolean().optional(),
  /** Other hardware that is enrolled with this licence. */
  otherMachines: count,
  /** Another trial on the same distribution that its hardware has had. */
  earlierTrial: aggregateIdSchema.optional(),
  /** Enrolments with this licence within the last day. */
  enrolmentsToday: count,
  /** How often its hardware enrolled with this licence under another key within the last 30 days. */
  reinstalls: count,
});
export type Standing = Readonly<z.infer<typeof standingSchema>>;

/** `feed.standing`: how does this machine stand with this licence, now? Answered with a `Standing`. */
export const standingRequestSchema = z.object({
  licenseId: aggregateIdSchema,
  machineId: aggregateIdSchema,
  hardware: markSchema.optional(),
});
export type StandingRequest = Readonly<z.infer<typeof standingRequestSchema>>;
