import { z } from 'zod';

/** What `profile.json` of a profile folder says; bump the schema when a folder written before can't serve any more. */
export const profileDataSchema = z.object({
  schema: z.literal(1),
  arch: z.literal('x86_64'),
  /** `uname -r`. */
  release: z.string().regex(/^[A-Za-z0-9._+~-]{1,64}$/),
  /** The vendor's package version, e.g. `6.1.190-1`. */
  version: z.string().min(1).max(128),
  /** GNU build id, hex. */
  buildId: z.string().regex(/^[0-9a-f]{16,64}$/),
  vermagic: z.string().max(256),
  banner: z.string().max(1024),
  compiler: z.string().max(256),
  counts: z.object({
    symbols: z.number().int().positive(),
    exports: z.number().int().positive(),
    btfTypes: z.number().int().positive(),
    modules: z.number().int().nonnegative(),
  }),
  packages: z.array(z.object({ role: z.string(), name: z.string(), version: z.string() })),
  /** What the top Makefile hands down: see kbuild-environment. */
  kbuild: z.record(z.string(), z.string()),
  /** Shipped module files below `modules/`, by the name the kernel knows the module by. */
  modules: z.record(z.string(), z.string().regex(/^(?:(?!\.\.?\/)[^/\0]{1,255}\/){0,32}(?!\.\.?$)[^/\0]{1,255}$/)),
});
export type ProfileData = z.infer<typeof profileDataSchema>;
