export { verifyAttestations } from './attestations.js';
export * from './bundle-signature.js';
export { encodeEnvelope, type EnvelopeSignature, openEnvelope, preAuthEncoding } from './envelope.js';
export * from './errors.js';
export * from './key.js';
export * from './lease.js';
export * from './license.js';
export * from './proof.js';
export { issuer } from './token.js';
