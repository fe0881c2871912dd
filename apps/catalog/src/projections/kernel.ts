import { z } from 'zod';
import { kernelEvents, kernelIdentitySchema, kernelImported, kernelReceived, reasonSchema } from '#libs/contracts';
import { begun, folded, place } from './read-model.js';
import { placeShape, table } from './table.js';

const imported = kernelImported.omit({ kernelId: true, kernel: true, durationMs: true });

const kernelSchema = z.object({
  ...kernelReceived.shape,
  state: z.enum(['received', 'imported', 'rejected']),
  ...kernelIdentitySchema.omit({ distro: true }).partial().shape,
  ...imported.partial().shape,
  reasons: z.array(reasonSchema).optional(),
  importMs: z.int().optional(),
  ...placeShape,
});
export type KernelRow = z.infer<typeof kernelSchema>;

export const kernelTable = table('kernels', kernelSchema, ['kernelId'], ['firstPosition', 'buildId']);

export const kernels = folded(kernelTable, kernelEvents, (fact) => fact.data.kernelId, {
  KernelReceived: (row, data, seen) => ({ ...data, state: 'received', ...place(row, seen) }),
  KernelImported: (row, { kernel, durationMs, ...data }, seen) => ({
    ...begun(row, 'the kernel', seen),
    ...data,
    ...kernel,
    state: 'imported',
    importMs: durationMs,
    ...place(row, seen),
  }),
  KernelRejected: (row, { reasons }, seen) => ({
    ...begun(row, 'the kernel', seen),
    state: 'rejected',
    reasons,
    ...place(row, seen),
  }),
});
