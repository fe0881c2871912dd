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
export { parseEnvelope } from './metadata/envelope.js';
export { canonicalBytes } from './metadata/canonical.js';
export { type JsonObject, parseJson as asJson } from './metadata/json.js';
export { encodeComponent, fileNameOf, roleOfFile, targetFileName } from './metadata/names.js';
export type { Hashes, Root, TargetFile, Targets } from './metadata/roles.js';
export { FileStore } from './store/file-store.js';
export { MemoryStore, MetadataStore } from './store/store.js';
export { ecdsaKeyObject, keyIdOf } from './keys/key.js';
export { Ed25519Signer, publicHalf, type PublicHalf, Signer } from './keys/signer.js';
export { FolderFiles, MemoryFiles, RepositoryFiles } from './repository/files.js';
export { type NoticeRole, noticeRoles, releaseRole } from './repository/layout.js';
export { type Policy, type RolePolicy, standardPolicy } from './repository/policy.js';
export type { OnlineSigners } from './repository/online-keys.js';
export { Repository } from './repository/repository.js';
export type { NewTarget, ReleaseAddition } from './repository/vouched-targets.js';
export {
  addSignature,
  delegatesOf,
  draftRoot,
  draftTopTargets,
  holdersOf,
  mergeSignatures,
  type OfflineRole,
  offlineRoleOf,
  type Standing,
  standingsOf,
} from './repository/ceremony.js';
export { type DelegateHolders, type KeyHolders, makeRoot, makeTopTargets, rotateRoot } from './repository/root.js';
