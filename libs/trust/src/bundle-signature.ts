import { z } from 'zod';
import { tokenTypes, type TrustKeys } from '#libs/contracts';
import { TrustError } from './errors.js';
import { thumbprintOf } from './key.js';
import { checkHeader, verifyDetached } from './token.js';

/** Longest signature document that is looked at. */
const maxSignatureLength = 65_536;

const generalJwsSchema = z.strictObject({
  payload: z.string().optional(),
  signatures: z
    .array(z.strictObject({ protected: z.string().max(1024), signature: z.string().max(256) }))
    .min(1)
    .max(16),
});

/**
 * Checks that enough of the pinned keys have signed a manifest. Signatures by keys that aren't pinned are passed over (keys
 * change over time); a wrong signature in a pinned key's name is refused. Each key counts once, by what it is and not by its
 * id: the same key twice is no second opinion.
 * @param jws general JWS as JSON text, the payload left out (detached) or equal to the manifest's bytes.
 * @returns ids of the keys that have signed.
 * @throws TrustError `malformed-token`, `wrong-algorithm`, `wrong-typ`, `bad-signature`, `payload-mismatch`, `threshold-not-met`.
 */
export async function verifyBundleSignature(
  jws: string,
  manifestBytes: Uint8Array,
  keys: TrustKeys,
): Promise<{ readonly keyIds: readonly string[] }> {
  const { payload, signatures } = parseJws(jws);
  const expected = Buffer.from(manifestBytes).toString('base64url');
  if (payload !== undefined && payload !== expected) {
    throw new TrustError('payload-mismatch', 'the signature is over another manifest');
  }
  const signers = new Map<string, string>();
  for (const signature of signatures) {
    const kid = checkHeader(signature, tokenTypes.bundle);
    const key = keys.bundle.find((candidate) => candidate.kid === kid);
    if (key === undefined) continue;
    await verifyDetached(signature, expected, key);
    signers.set(thumbprintOf(key), kid);
  }
  if (signers.size < keys.bundleThreshold) {
    throw new TrustError(
      'threshold-not-met',
      `${signers.size} of the pinned keys have signed, ${keys.bundleThreshold} must`,
    );
  }
  return { keyIds: [...signers.values()] };
}

function parseJws(text: string): z.infer<typeof generalJwsSchema> {
  if (text.length > maxSignatureLength) throw new TrustError('malformed-token', 'the signature document is too long');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TrustError('malformed-token', 'the signature document is no JSON', { cause });
  }
  const parsed = generalJwsSchema.safeParse(json);
  if (!parsed.success) throw new TrustError('malformed-token', z.prettifyError(parsed.error));
  return parsed.data;
}
