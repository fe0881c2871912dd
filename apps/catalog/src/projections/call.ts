import { z } from 'zod';
import { adminCalled, auditEvents } from '#libs/contracts';
import { listed } from './read-model.js';
import { table } from './table.js';

const callSchema = z.object({
  /** Position of its commit in the log. */
  position: z.int().nonnegative(),
  /** Its place within the commit, from 0. */
  index: z.int().nonnegative(),
  at: z.iso.datetime(),
  ...adminCalled.shape,
});

export const callTable = table('calls', callSchema, ['position', 'index'], ['tokenId']);

/** The operators' calls, in the order in which they were recorded. */
export const calls = listed(callTable, Object.keys(auditEvents) as (keyof typeof auditEvents)[], (event) => {
  const { position, index, envelope, fact } = event;
  return fact.type === 'AdminCalled' ? [{ position, index, at: envelope.at, ...fact.data }] : [];
});
