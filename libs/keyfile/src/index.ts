/**
 * Private keys in files, under a passphrase. Only sign opens them for the service, and `splicectl tuf` for the holders of offline keys.
 * @module
 */
export { KeyFileError, type KeyFileErrorCode } from './errors.js';
export { openKey, sealKey, type SealedKey, sealedKeySchema, type SealCost, standardCost } from './sealed-key.js';
export { isOwnerOnly, readKeyFile, writeKeyFile } from './file.js';
export { passphraseFrom } from './passphrase.js';
