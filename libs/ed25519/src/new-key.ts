import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/**
 * A new Ed25519 key (RFC 8032).
 *
 * Not the object that `generateKeyPairSync` gives: Node 20 hangs for good where the garbage of its making is collected while it is
 * exported as a JWK, since both take the key's one lock, which is that of its public half too.
 */
export function newEd25519Key(): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    publicKeyEncoding: { format: 'der', type: 'spki' },
  });
  return createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
}
