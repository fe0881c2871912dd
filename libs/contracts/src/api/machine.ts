import { z } from 'zod';
import { bundleRecalled, tierSchema } from '../events/bundle.js';
import { levelNumberSchema, maxLevelFixes } from '../events/level.js';
import { reasonSchema } from '../reason.js';
import {
  runningKernelSchema,
  updateApplied,
  updateFailed,
  updateReplaced,
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
 * `{htm, htu, iat, jti, bdh}` (RFC 9449 names; `htu` is the path with its query, `bdh` the base64url SHA-256 of the body's bytes, where it has one), which proves that it holds
 * the key and did not replay an older request.
 */
export const enrolRequestSchema = z.object({
  license: z.string().min(1).max(8192),
  hostname: z.string().min(1).max(253).optional(),
  kernel: runningKernelSchema,
  /**
   * SHA-256 (hex) over what identifies the hardware (`hardwareDigest` of the loader). The service keeps only a keyed digest of it.
   */
  hardware: digestSchema.optional(),
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

/** `POST /v1/machines/{id}/lease`: renews the lease, for the kernel that runs now. */
export const leaseRequestSchema = enrolRequestSchema.omit({ hostname: true });
export type LeaseRequest = z.infer<typeof leaseRequestSchema>;

/** The answer to both. `machineId` is the lower-case hex of the first 20 bytes of the key's RFC 7638 SHA-256 thumbprint. */
export const leaseResponseSchema = z.object({
  schema: z.literal(1),
  machineId: aggregateIdSchema,
  /** Compact JWS, typ `splicecast-lease+jwt`: sent as `Authorization: Bearer`. */
  lease: z.string().max(8192),
  expiresAt: z.iso.datetime(),
  tier: tierSchema,
  /**
   * How to hear of news at once over NATS. `host` absent: the service's own host. As whom: by `token`, a user's token of NATS for the
   * machine's own key, which ends with the lease; or by `user` and `password`, where the servers know no tokens.
   */
  hints: z.object({
    host: z.string().max(253).optional(),
    port: z.number().int().min(1).max(65_535),
    token: z.string().max(4096).optional(),
    user: z.string().max(128).optional(),
    password: z.string().max(256).optional(),
    subjects: z.array(z.string().max(512)).max(16),
  }),
});
export type LeaseResponse = z.infer<typeof leaseResponseSchema>;

/** What a machine would rather have: a cumulative level where there is one, or each fix by itself. */
export const updatePreferenceSchema = z.enum(['levels', 'singles']);
export type UpdatePreference = z.infer<typeof updatePreferenceSchema>;

/**
 * `GET /v1/machines/{id}/updates`, `?prefer=singles` for a machine that wants no levels: all that the machine is entitled to,
 * oldest first. Has an ETag.
 */
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
        /** What it fixes, and which level it is, as its manifest says: a hint by which to choose before it is fetched. */
        fixIds: z.array(aggregateIdSchema).max(maxLevelFixes).optional(),
        level: levelNumberSchema.optional(),
        /** What was withdrawn: never apply it, and take it back unless it says `keep`. */
        recalled: bundleRecalled.pick({ reason: true, keep: true }).optional(),
      }),
    )
    .max(10_000),
  /** Why nothing new comes though the lease still runs: the licence was revoked, an operator freed the machine's seat. */
  withheld: z.array(reasonSchema).max(16).optional(),
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
        report('UpdateReplaced', updateReplaced),
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
  /** The first root of the signed metadata (`/tuf/metadata/1.root.json`): where an agent's trust in it begins. It never changes. */
  root: z.object({ version: z.literal(1), sha256: digestSchema, length: z.number().int().positive() }).optional(),
  /** Let no new bundle in that names no attestations. Those that a bundle does name are checked in any case. */
  attestations: z.literal('required').optional(),
});
export type TrustKeys = z.infer<typeof trustKeysSchema>;

/** What is pushed: that there is news, and what kind. The news itself is fetched over HTTP, checked and entitled. */
export const hintSchema = z.object({
  schema: z.literal(1),
  action: z.enum(['published', 'recalled']),
  bundleId: aggregateIdSchema,
  /** Where it stands in the service's log: who has heard this one asks for those since. */
  position: z.number().int().positive().optional(),
});
export type Hint = z.infer<typeof hintSchema>;

/**
 * `GET /v1/machines/{id}/hints?since=…`: the same hints where NATS can't pass. With `Accept: text/event-stream` as server-sent events
 * (`hint`, each with its position as `id`; `open` first, with where it begins), else as this answer, as soon as there are some or after `wait`
 * seconds (0 to 60). `since` is a position; absent: from now on. A machine that slept asks since what it heard last, and misses nothing.
 */
export const hintsResponseSchema = z.object({
  schema: z.literal(1),
  /** To be asked `since` the next time. */
  position: z.number().int().nonnegative(),
  /** Oldest first; where there are more, the newest. */
  hints: z.array(hintSchema).max(100),
});
export type HintsResponse = z.infer<typeof hintsResponseSchema>;

/** The subject on which hints for a kernel and tier go out: `feed.<distro>.<arch>.<kernel>.<tier>`, dots as `_`. */
export function hintSubject(kernel: { distro: string; arch: string; release: string }, tier: string): string {
  return `feed.${kernel.distro}.${kernel.arch}.${kernel.release.replaceAll('.', '_')}.${tier}`;
}
