import { z } from 'zod';
import { tierSchema } from '../events/bundle.js';
import {
  runningKernelSchema,
  updateApplied,
  updateFailed,
  updateReversed,
  updateStaged,
  updateStalled,
} from '../events/machine.js';
import { aggregateIdSchema, digestSchema } from '../ids.js';

/** The tokens' `typ` headers: a token of one kind is never taken for another. */
export const tokenTypes = {
  license: 'splicecast-license+jwt',
  lease: 'splicecast-lease+jwt',
  proof: 'splicecast-proof+jwt',
  bundle: 'splicecast-bundle+jws',
} as const;

/** Ed25519 public key (RFC 8037). */
export const publicJwkSchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type PublicJwk = z.infer<typeof publicJwkSchema>;

/**
 * `POST /v1/machines`: a machine shows its licence and becomes known. Like every request of a machine it carries the header
 * `Splicecast-Proof`: a compact JWS (EdDSA, typ `splicecast-proof+jwt`, the public key as `jwk` in the header) over
 * `{htm, htu, iat, jti, bdh}` (RFC 9449 names; `htu` is the path with its query, `bdh` the base64url SHA-256 of the body's bytes), which proves that it holds
 * the key and did not replay an older request.
 */
export const enrolRequestSchema = z.object({
  license: z.string().min(1).max(8192),
  hostname: z.string().min(1).max(253).optional(),
  kernel: runningKernelSchema,
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

/** `POST /v1/machines/{id}/lease`: renews the lease, for the kernel that runs now. */
export const leaseRequestSchema = z.object({ license: z.string().min(1).max(8192), kernel: runningKernelSchema });
export type LeaseRequest = z.infer<typeof leaseRequestSchema>;

/** The answer to both. `machineId` is the lower-case hex of the first 20 bytes of the key's RFC 7638 SHA-256 thumbprint. */
export const leaseResponseSchema = z.object({
  schema: z.literal(1),
  machineId: aggregateIdSchema,
  /** Compact JWS, typ `splicecast-lease+jwt`: sent as `Authorization: Bearer`. */
  lease: z.string().max(8192),
  expiresAt: z.iso.datetime(),
  tier: tierSchema,
  /** How to hear of news at once. `host` absent: the service's own host. */
  hints: z.object({
    host: z.string().max(253).optional(),
    port: z.number().int().min(1).max(65_535),
    user: z.string().max(128),
    password: z.string().max(256),
    subjects: z.array(z.string().max(512)).max(16),
  }),
});
export type LeaseResponse = z.infer<typeof leaseResponseSchema>;

/** `GET /v1/machines/{id}/updates`: all that the machine is entitled to, oldest first. Has an ETag. */
export const updatesResponseSchema = z.object({
  schema: z.literal(1),
  machineId: aggregateIdSchema,
  bundles: z
    .array(
      z.object({
        bundleId: aggregateIdSchema,
        /** `GET /v1/bundles/{id}/artefact` with ranges: a deterministic tar.gz. */
        artefact: z.object({ path: z.string().max(512), sha256: digestSchema, length: z.number().int().positive() }),
        /** General JWS (JSON serialisation, as text) over the bytes of `manifest.json` in the artefact. */
        signature: z.string().max(65_536),
        /** What was withdrawn: never apply it, reverse it if `reverse`. */
        recalled: z.object({ reason: z.string().max(1024) }).optional(),
      }),
    )
    .max(10_000),
});
export type UpdatesResponse = z.infer<typeof updatesResponseSchema>;

const report = <T extends string, S extends z.ZodType>(type: T, data: S) => z.object({ type: z.literal(type), data });

/** `POST /v1/machines/{id}/reports`: what changed on the machine. `reportId` makes a repetition harmless. */
export const reportRequestSchema = z.object({
  reportId: aggregateIdSchema,
  facts: z
    .array(
      z.discriminatedUnion('type', [
        report('UpdateStaged', updateStaged),
        report('UpdateApplied', updateApplied),
        report('UpdateStalled', updateStalled),
        report('UpdateReversed', updateReversed),
        report('UpdateFailed', updateFailed),
      ]),
    )
    .min(1)
    .max(100),
});
export type ReportRequest = z.infer<typeof reportRequestSchema>;

/** `GET /v1/trust/keys` and the agent's pinned trust file: who may sign what. Their keys never mix. */
export const trustKeysSchema = z.object({
  schema: z.literal(1),
  /** How many of `bundle` must have signed a manifest. */
  bundleThreshold: z.number().int().min(1),
  bundle: z
    .array(publicJwkSchema.extend({ kid: z.string().max(128) }))
    .min(1)
    .max(16),
  license: z
    .array(publicJwkSchema.extend({ kid: z.string().max(128) }))
    .min(1)
    .max(16),
  lease: z
    .array(publicJwkSchema.extend({ kid: z.string().max(128) }))
    .min(1)
    .max(16),
});
export type TrustKeys = z.infer<typeof trustKeysSchema>;

/** What is pushed: that there is news, and what kind. The news itself is fetched over HTTP, checked and entitled. */
export const hintSchema = z.object({
  schema: z.literal(1),
  action: z.enum(['published', 'recalled']),
  bundleId: aggregateIdSchema,
});
export type Hint = z.infer<typeof hintSchema>;

/** The subject on which hints for a kernel and tier go out: `feed.<distro>.<arch>.<kernel>.<tier>`, dots as `_`. */
export function hintSubject(kernel: { distro: string; arch: string; release: string }, tier: string): string {
  return `feed.${kernel.distro}.${kernel.arch}.${kernel.release.replaceAll('.', '_')}.${tier}`;
}
