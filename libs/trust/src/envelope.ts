// DSSE, the envelope that attestations are signed in (secure-systems-lab/dsse, envelope.md and protocol.md, version 1).
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import type { TrustKeys } from '#libs/contracts';
import { TrustError } from './errors.js';
import { thumbprintOf, type TrustedKey } from './key.js';

/** An attestation of a level of 100,000 functions has some 45 MB; anything larger is none. */
const maxEnvelopeBytes = 64 * 1024 * 1024;

const envelopeSchema = z.object({
  payloadType: z.string().max(256),
  payload: z.string(),
  signatures: z
    .array(z.object({ keyid: z.string().max(128).optional(), sig: z.base64().max(256) }))
    .min(1)
    .max(16),
});

/** A signature and whose it is said to be. */
export interface EnvelopeSignature {
  readonly keyid: string;
  readonly sig: Buffer;
}

/**
 * The bytes that are signed: pre-authentication encoding, with the type of the payload and every length, so that a signature over one thing
 * is over no other. It begins with `DSSEv1 `, and what a JWS is signed over with base64url and a dot: the bundle keys sign both, and
 * neither passes as the other.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

/** Writes an envelope as JSON. */
export function encodeEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signatures: readonly EnvelopeSignature[],
): Buffer {
  return Buffer.from(
    JSON.stringify({
      payload: Buffer.from(payload).toString('base64'),
      payloadType,
      signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: sig.toString('base64') })),
    }),
  );
}

/**
 * Opens an envelope that enough of the pinned bundle keys have signed. As for manifests: signatures by keys that aren't pinned are passed
 * over, a wrong one in a pinned key's name is refused, and each key counts once, by what it is.
 * @returns the payload, and the ids of the keys that have signed it.
 * @throws TrustError `attestation-unsigned`, also for what is no envelope of this type: nobody has signed that.
 */
export function openEnvelope(
  bytes: Uint8Array,
  payloadType: string,
  keys: Pick<TrustKeys, 'bundle' | 'bundleThreshold'>,
): { readonly payload: Buffer; readonly keyIds: readonly string[] } {
  const envelope = parseEnvelope(bytes);
  if (envelope.payloadType !== payloadType) {
    throw unsigned(`it is an envelope of ${JSON.stringify(envelope.payloadType)}, and not of ${payloadType}`);
  }
  const payload = Buffer.from(envelope.payload, 'base64');
  if (payload.toString('base64') !== envelope.payload) throw unsigned('the payload is not base64');
  const signed = preAuthEncoding(payloadType, payload);
  const signers = new Map<string, string>();
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.bundle.find(({ kid }) => kid === keyid);
    if (key === undefined) continue;
    if (!verify(null, signed, publicKeyOf(key), Buffer.from(sig, 'base64'))) {
      throw unsigned(`the signature in the name of ${key.kid} is not over this`);
    }
    signers.set(thumbprintOf(key), key.kid);
  }
  if (signers.size < keys.bundleThreshold) {
    throw unsigned(`${signers.size} of the pinned keys have signed, ${keys.bundleThreshold} must`);
  }
  return { payload, keyIds: [...signers.values()] };
}

function parseEnvelope(bytes: Uint8Array): z.infer<typeof envelopeSchema> {
  if (bytes.length > maxEnvelopeBytes) throw unsigned('the envelope is too large');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unsigned('the envelope is no JSON', cause);
  }
  const parsed = envelopeSchema.safeParse(json);
  if (!parsed.success) throw unsigned(z.prettifyError(parsed.error));
  return parsed.data;
}

function publicKeyOf({ kty, crv, x }: TrustedKey): KeyObject {
  return createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
}

function unsigned(message: string, cause?: unknown): TrustError {
  return new TrustError('attestation-unsigned', message, { cause });
}
