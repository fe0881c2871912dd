import { type KeyObject, createPublicKey, sign } from 'node:crypto';
import { newEd25519Key } from '#libs/ed25519';
import { TufError } from '../errors.js';
import type { JsonObject } from '../metadata/json.js';
import { ed25519KeyObject, keyIdOf, parseKey } from './key.js';

/** A key's public half, as metadata carries it, and its id. */
export interface PublicHalf {
  readonly publicKey: JsonObject;
  readonly keyId: string;
}

/** Reads the public half of a key that somebody hands in. @throws TufError `malformed-metadata`; `wrong-keys` for another kind. */
export function publicHalf(publicKey: JsonObject): PublicHalf {
  const { scheme } = parseKey(publicKey);
  if (scheme !== 'ed25519' && scheme !== 'ecdsa-sha2-nistp256') {
    throw new TufError('wrong-keys', 'the key is neither Ed25519 nor ECDSA P-256');
  }
  return { publicKey, keyId: keyIdOf(publicKey) };
}

/**
 * Signs with one key, wherever that is: in memory, in a file, behind PKCS#11 or a key service. The repository never sees the key.
 */
export abstract class Signer implements PublicHalf {
  /** The public key as metadata carries it, and its id. */
  abstract readonly publicKey: JsonObject;
  abstract readonly keyId: string;
  abstract sign(payload: Buffer): Promise<Buffer>;
}

/** A key in memory. */
export class Ed25519Signer extends Signer {
  override readonly publicKey: JsonObject;
  override readonly keyId: string;
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    super();
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('the key is no Ed25519 key');
    this.#privateKey = privateKey;
    this.publicKey = ed25519KeyObject(createPublicKey(privateKey));
    this.keyId = keyIdOf(this.publicKey);
  }

  static generate(): Ed25519Signer {
    return new Ed25519Signer(newEd25519Key());
  }

  override async sign(payload: Buffer): Promise<Buffer> {
    return sign(null, payload, this.#privateKey);
  }
}
