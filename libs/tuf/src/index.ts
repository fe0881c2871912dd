/**
 * The Update Framework (specification 1.0.34): a client that trusts a repository by roles, thresholds, versions and dates and not
 * by where the bytes came from, and the repository's side of it.
 * @module
 */
export { type ClientParts, initialise, type Update, update, verifyTarget } from './client/client.js';
export { type Allowance, Fetcher } from './client/fetcher.js';
export { HttpFetcher, type HttpLimits, standardHttpLimits } from './client/http-fetcher.js';
export { type ClientLimits, standardLimits } from './client/limits.js';
export type { Trusted } from './client/session.js';
export { TufError, type TufErrorCode } from './errors.js';
export { encodeComponent } from './metadata/names.js';
export type { Hashes, TargetFile } from './metadata/roles.js';
export { FileStore } from './store/file-store.js';
export { writeAtomically } from './store/atomic-write.js';
export { MemoryStore, MetadataStore } from './store/store.js';
export { Ed25519Signer, Signer } from './keys/signer.js';
export { FolderFiles, MemoryFiles, RepositoryFiles } from './repository/files.js';
export { type NoticeRole, releaseRole } from './repository/layout.js';
export { type Policy, type RolePolicy, standardPolicy } from './repository/policy.js';
export { type NewTarget, type OnlineSigners, Repository } from './repository/repository.js';
export { type DelegateHolders, type KeyHolders, makeRoot, makeTopTargets, rotateRoot } from './repository/root.js';
