/**
 * Keys in PKCS#11 tokens (smart cards, HSMs) as signers of the metadata.
 * @module
 */
export { Pkcs11Signer } from './pkcs11-signer.js';
