import {
  aggregateIdSchema,
  digestSchema,
  gitIdSchema,
  kernelIdentitySchema,
  patchedFunctionSchema,
} from '#libs/contracts';
import { z } from 'zod';

/** What is attested of a bundle. The project's own kinds are URIs of a scheme of its own: they name, and lead nowhere. */
export const predicateTypes = {
  /** SLSA provenance v1: from what, by whom and how the module was built. */
  provenance: 'https://slsa.dev/provenance/v1',
  /** Where its commits come from: the step between two source trees that they are part of, rebuilt bit for bit. */
  recomposition: 'splicecast:recomposition/v1',
  /** Which functions it replaces, each by the hash of its old and of its new bytes. */
  objectDiff: 'splicecast:object-diff/v1',
} as const;

/** What `provenance` says was built. */
export const buildTypes = { fix: 'splicecast:hot-patch/v1', level: 'splicecast:level/v1' } as const;

const maxParts = 10_000;
const name = z.string().min(1).max(4200);

/** A `ResourceDescriptor` of in-toto: a file by its SHA-256, a git object by its id. */
const materialSchema = z.object({
  name,
  digest: z.union([
    z.object({ sha256: digestSchema }),
    z.object({ gitTree: gitIdSchema }),
    z.object({ gitCommit: gitIdSchema }),
  ]),
});
export type Material = z.infer<typeof materialSchema>;

/** https://slsa.dev/provenance/v1, with this project's build types. */
export const provenanceSchema = z.object({
  buildDefinition: z.object({
    buildType: z.enum(Object.values(buildTypes)),
    /** What was asked for. */
    externalParameters: z.object({
      kernel: kernelIdentitySchema,
      fixIds: z.array(aggregateIdSchema).min(1).max(maxParts),
      level: z.number().int().min(1).optional(),
    }),
    internalParameters: z.object({
      compiler: z.string().max(256),
      /** How many functions of the originals were found byte for byte in the shipped image, of how many. */
      runPre: z.object({ matched: z.number().int().nonnegative(), checked: z.number().int().nonnegative() }),
    }),
    /** The materials: source trees, patches, the commits that came along, the kernel's packages, its configuration. */
    resolvedDependencies: z
      .array(materialSchema)
      .min(1)
      .max(4 * maxParts),
  }),
  runDetails: z.object({
    builder: z.object({ id: z.string().min(1).max(256) }),
    metadata: z.object({
      /** The id of the event that the build ended with. */
      invocationId: z.string().max(128),
      startedOn: z.iso.datetime(),
      finishedOn: z.iso.datetime(),
    }),
    /** The objects that were compiled, before and after. */
    byproducts: z
      .array(materialSchema)
      .max(2 * 512)
      .optional(),
  }),
});
export type Provenance = z.infer<typeof provenanceSchema>;

const takenSchema = z.object({
  fixId: aggregateIdSchema,
  commit: gitIdSchema,
  upstream: gitIdSchema.optional(),
  kind: z.enum(['attributed', 'remainder']),
  /** It isn't the fix itself: the fix can't do without it. */
  brought: z.literal(true).optional(),
});
export type TakenCommit = z.infer<typeof takenSchema>;

/** Of each step between two source trees: what it was split into, the proof, and what was taken of it. */
export const recompositionSchema = z.object({
  steps: z
    .array(
      z.object({
        dropId: aggregateIdSchema,
        from: z.object({ gitTree: gitIdSchema }),
        to: z.object({ gitTree: gitIdSchema }),
        /** The tree that the series ends in: the step is proven by its being `to`. */
        replayed: z.object({ gitTree: gitIdSchema }),
        head: z.object({ gitCommit: gitIdSchema }),
        /** The list of all its commits with their trees, by which anybody can walk the step again. */
        series: z.object({ sha256: digestSchema }),
        commits: z.number().int().nonnegative(),
        taken: z.array(takenSchema).min(1).max(maxParts),
      }),
    )
    .min(1)
    .max(1_000),
});
export type Recomposition = z.infer<typeof recompositionSchema>;

/** All that the module replaces, and nothing else. */
export const objectDiffSchema = z.object({
  kernel: z.object({ release: z.string().max(64), buildId: z.string().max(64) }),
  functions: z
    .array(
      z.object({
        ...patchedFunctionSchema.omit({ oldSha256: true, newSha256: true }).shape,
        old: z.object({ sha256: digestSchema }),
        new: z.object({ sha256: digestSchema }),
      }),
    )
    .min(1)
    .max(100_000),
});
export type ObjectDiff = z.infer<typeof objectDiffSchema>;
