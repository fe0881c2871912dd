import { z } from 'zod';
import { aggregateIdSchema, digestSchema } from '../ids.js';
import { reasonSchema } from '../reason.js';

const count = z.number().int().nonnegative();

/** One of the vendor's binary packages that a kernel is imported from. */
export const kernelPackageSchema = z.object({
  role: z.enum(['image', 'headers']),
  fileName: z.string().min(1).max(255),
  digest: digestSchema,
  sizeBytes: count,
});
export type KernelPackage = z.infer<typeof kernelPackageSchema>;

/** The vendor's packages of a kernel are in the blob store. */
export const kernelReceived = z.object({
  kernelId: aggregateIdSchema,
  distro: aggregateIdSchema,
  packages: z.array(kernelPackageSchema).min(2).max(8),
  /** The source drop that the kernel was built from. */
  dropId: aggregateIdSchema.optional(),
});

/** What identifies a kernel: an agent compares `release` and `buildId` with what runs, as the kernel itself checks neither. */
export const kernelIdentitySchema = z.object({
  distro: aggregateIdSchema,
  arch: z.literal('x86_64'),
  /** `uname -r`, e.g. `6.1.0-54-amd64`. */
  release: z.string().regex(/^[A-Za-z0-9._+~-]{1,64}$/),
  /** The vendor's version, e.g. `6.1.190-1`. */
  version: z.string().max(128),
  /** GNU build id (hex) as in /sys/kernel/notes. */
  buildId: z.string().regex(/^[0-9a-f]{16,64}$/),
  vermagic: z.string().max(256),
});
export type KernelIdentity = z.infer<typeof kernelIdentitySchema>;

export const kernelImported = z.object({
  kernelId: aggregateIdSchema,
  kernel: kernelIdentitySchema,
  compiler: z.string().max(256),
  config: digestSchema,
  symvers: digestSchema,
  kallsyms: digestSchema,
  btf: digestSchema,
  counts: z.object({ symbols: count, exports: count, btfTypes: count }),
  durationMs: count,
});

export const kernelRejected = z.object({ kernelId: aggregateIdSchema, reasons: z.array(reasonSchema).min(1) });

export const kernelEvents = {
  KernelReceived: kernelReceived,
  KernelImported: kernelImported,
  KernelRejected: kernelRejected,
} as const;
