import { z } from 'zod';

const policySchema = z
  .object({
    /** How many bundle keys are made at first start. */
    SPLICECAST_BUNDLE_KEYS: z.coerce.number().int().min(1).max(16).default(1),
    /** How many of them must have signed a manifest. */
    SPLICECAST_BUNDLE_THRESHOLD: z.coerce.number().int().min(1).max(16).default(1),
  })
  .refine((policy) => policy.SPLICECAST_BUNDLE_THRESHOLD <= policy.SPLICECAST_BUNDLE_KEYS, {
    path: ['SPLICECAST_BUNDLE_THRESHOLD'],
    message: 'there are not that many bundle keys',
  });

/** How many keys sign a bundle, and how many an agent asks for. */
export class SigningPolicy {
  constructor(
    readonly bundleKeys = 1,
    readonly bundleThreshold = 1,
  ) {}

  /** Reads it from the environment. @throws ZodError that names the variable. */
  static from(environment: Readonly<Record<string, string | undefined>>): SigningPolicy {
    const policy = policySchema.parse(environment);
    return new SigningPolicy(policy.SPLICECAST_BUNDLE_KEYS, policy.SPLICECAST_BUNDLE_THRESHOLD);
  }
}
