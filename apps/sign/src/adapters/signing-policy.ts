import { z } from 'zod';

const policySchema = z
  .object({
    /** How many bundle keys are made at first start. */
    SPLICECAST_BUNDLE_KEYS: z.coerce.number().int().min(1).max(16).default(1),
    /** How many of them must have signed a manifest. */
    SPLICECAST_BUNDLE_THRESHOLD: z.coerce.number().int().min(1).max(16).default(1),
    /** What this installation is called where it attests what it built (SLSA `builder.id`). */
    SPLICECAST_BUILDER: z
      .string()
      .regex(/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,200}$/, 'a URI')
      .default('splicecast:builder'),
    /** Whether machines that register from now on take new bundles that name no attestations, as those from before there were any. */
    SPLICECAST_ATTESTATIONS: z.enum(['required', 'if-named']).default('required'),
  })
  .refine((policy) => policy.SPLICECAST_BUNDLE_THRESHOLD <= policy.SPLICECAST_BUNDLE_KEYS, {
    path: ['SPLICECAST_BUNDLE_THRESHOLD'],
    message: 'there are not that many bundle keys',
  });

/** How many keys sign a bundle, how many an agent asks for, in whose name it is built, and what must be attested. */
export class SigningPolicy {
  constructor(
    readonly bundleKeys = 1,
    readonly bundleThreshold = 1,
    readonly builderId = 'splicecast:builder',
    readonly attestations: 'required' | 'if-named' = 'required',
  ) {}

  /** Reads it from the environment. @throws ZodError that names the variable. */
  static from(environment: Readonly<Record<string, string | undefined>>): SigningPolicy {
    const policy = policySchema.parse(environment);
    return new SigningPolicy(
      policy.SPLICECAST_BUNDLE_KEYS,
      policy.SPLICECAST_BUNDLE_THRESHOLD,
      policy.SPLICECAST_BUILDER,
      policy.SPLICECAST_ATTESTATIONS,
    );
  }
}
