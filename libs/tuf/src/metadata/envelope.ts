import { TufError } from '../errors.js';
import { canonicalBytes } from './canonical.js';
import { asArray, asObject, asString, type JsonObject, malformed, parseJson } from './json.js';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './parse.js';
import type { Role } from './roles.js';

export interface Signature {
  readonly keyId: string;
  /** Hex, as it came: not yet checked for anything. */
  readonly sig: string;
}

/** A role's statement, what exactly was signed, and by whom allegedly. Reading it proves nothing: see `verifySignatures`. */
export interface Envelope<R extends Role> {
  readonly role: R;
  readonly payload: Buffer;
  readonly signatures: readonly Signature[];
  /** As it came, to be kept so. */
  readonly bytes: Uint8Array;
}

const parsers = { root: parseRoot, timestamp: parseTimestamp, snapshot: parseSnapshot, targets: parseTargets };
const maxSignatures = 64;

type RoleOf<K extends keyof typeof parsers> = ReturnType<(typeof parsers)[K]>;

/**
 * Reads metadata of the type that is expected at its place (delegated roles are of type `targets`).
 * @throws TufError `malformed-metadata`, `unsupported-spec`; `wrong-role` for metadata of another type, which might well be signed
 *   by the same key.
 */
export function parseEnvelope<K extends keyof typeof parsers>(type: K, bytes: Uint8Array): Envelope<RoleOf<K>> {
  const envelope = parseJson(bytes);
  const signed = asObject(envelope['signed'], 'signed');
  const found = asString(signed['_type'], '_type', 64);
  if (found !== type) throw new TufError('wrong-role', `this is ${found} metadata in the place of ${type}`);
  const role = parsers[type](signed) as RoleOf<K>;
  return { role, payload: canonicalBytes(signed), signatures: signaturesOf(envelope), bytes };
}

/** 4.2.1: a key id must not sign twice; counting it twice would be the next mistake. */
function signaturesOf(envelope: JsonObject): Signature[] {
  const signatures = asArray(envelope['signatures'], 'signatures', maxSignatures).map((item) => {
    const signature = asObject(item, 'a signature');
    return { keyId: asString(signature['keyid'], 'keyid', 256), sig: asString(signature['sig'], 'sig', 4096) };
  });
  if (new Set(signatures.map(({ keyId }) => keyId)).size !== signatures.length) {
    throw malformed('a key signed the same metadata twice');
  }
  return signatures;
}
