import { digestSchema, kernelIdentitySchema, levelNumberSchema, patchedFunctionSchema } from '#libs/contracts';
import { z } from 'zod';
import { attestationNameSchema } from './attestation/names.js';

const objectId = z.string().regex(/^[0-9a-f]{40}$/);

/** Where a payload lies in the artefact. One folder, one kind of file: no path can lead out of where it is unpacked. */
export const payloadPathSchema = z.string().regex(/^payload\/[a-z0-9_]{1,55}\.ko$/);

/**
 * What a bundle is, what it does, and what it needs: the signed part. The payload follows by digest.
 * `bundleId` isn't in here: it is derived from the manifest's bytes.
 */
export const manifestSchema = z.object({
  schema: z.literal(1),
  kernel: kernelIdentitySchema,
  fixes: z
    .array(
      z.object({
        fixId: z.string(),
        commit: objectId.optional(),
        upstream: objectId.optional(),
        subject: z.string().max(1024),
        cves: z.array(z.string().max(32)).max(1000),
        paths: z.array(z.string().max(4096)).max(10_000),
        /** Earlier commits that the fix can't do without: they are in the module too. */
        brings: z
          .array(
            z.object({
              commit: objectId,
              upstream: objectId.optional(),
              subject: z.string().max(1024),
              cves: z.array(z.string().max(32)).max(1000),
            }),
          )
          .min(1)
          .max(100)
          .optional(),
      }),
    )
    .min(1)
    .max(10_000),
  functions: z.array(patchedFunctionSchema).min(1).max(100_000),
  loader: z.object({ format: z.literal('klp-module'), minVersion: z.literal(1) }),
  /** The kernel module's own name: its folder below /sys/kernel/livepatch. */
  module: z.string().regex(/^[a-z0-9_]{1,55}$/),
  /** Replaces all earlier live patches instead of standing beside them. */
  replace: z.boolean(),
  /** Its number among the cumulative levels of its kernel. Every level replaces, and nothing else does. */
  level: levelNumberSchema.optional(),
  /** Can it be taken out of the kernel again, and be put in anew, without a reboot? If not, it can still be taken back once. */
  reversible: z.boolean(),
  payload: z
    .array(z.object({ path: payloadPathSchema, sha256: digestSchema, length: z.number().int().positive() }))
    .min(1)
    .max(64),
  /** All that is attested of it. Bundles from before there were attestations name none. */
  attestations: z.array(attestationNameSchema).min(1).max(16).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Path of a module's payload: `payload/<module>.ko`. */
export function payloadPathOf(module: string): string {
  return `payload/${module}.ko`;
}
